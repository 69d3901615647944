/** `payments.payroll` is within `payments`, and so is `payments` (SPEC §4.4). */
export function purposeWithin(purpose: string, wider: string): boolean {
  return purpose === wider || purpose.startsWith(`${wider}.`);
}
