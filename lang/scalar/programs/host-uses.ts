/** Which operands of a program are hosts that it reaches. */

/** Programs that reach a host named by an operand, with or without a scheme. */
export interface HostUse {
  /** `host`: `[user@]host[:port]`; `url`: the scheme may be left out; `remote`: `[user@]host:path`; `none`: no operand is one. */
  readonly form: "host" | "url" | "remote" | "none";
  /** Only the first operand. */
  readonly first?: true;
  readonly values: string;
  readonly longValues?: readonly string[];
  /** Options whose value names a host too. */
  readonly hostOptions?: readonly string[];
  /** Options whose value is a file that names hosts. */
  readonly listOptions?: readonly string[];
  /** Options whose value is `name=value`, as of a variable. */
  readonly settingOptions?: readonly string[];
}

const CURL_LONG_VALUES = [
  "request",
  "header",
  "data",
  "data-raw",
  "data-binary",
  "data-urlencode",
  "data-ascii",
  "json",
  "form",
  "form-string",
  "user",
  "user-agent",
  "referer",
  "output",
  "output-dir",
  "cookie",
  "cookie-jar",
  "config",
  "cert",
  "cert-type",
  "key",
  "key-type",
  "cacert",
  "capath",
  "ciphers",
  "connect-timeout",
  "max-time",
  "max-redirs",
  "retry",
  "retry-delay",
  "retry-max-time",
  "proto",
  "proto-default",
  "proto-redir",
  "range",
  "write-out",
  "upload-file",
  "dump-header",
  "limit-rate",
  "interface",
  "proxy-user",
  "noproxy",
  "tls-max",
  "trace",
  "trace-ascii",
  "stderr",
];

export const HOST_USES: ReadonlyMap<string, HostUse> = new Map<string, HostUse>([
  [
    "curl",
    {
      form: "url",
      values: "AbcCdDeEFHKmoPQrtTuUwxXyYz",
      longValues: CURL_LONG_VALUES,
      hostOptions: [
        "x",
        "proxy",
        "preproxy",
        "socks5",
        "socks5-hostname",
        "url",
        "connect-to",
        "resolve",
        "doh-url",
      ],
      listOptions: ["K", "config"],
    },
  ],
  [
    "wget",
    {
      form: "url",
      values: "aABDeiIlnoOPQRtTUwX",
      longValues: [
        "header",
        "post-data",
        "post-file",
        "body-data",
        "body-file",
        "method",
        "user",
        "password",
        "output-document",
        "output-file",
        "directory-prefix",
        "tries",
        "timeout",
        "user-agent",
        "level",
        "accept",
        "reject",
        "execute",
        "wait",
      ],
      listOptions: ["i", "input-file", "config"],
      settingOptions: ["e", "execute"],
    },
  ],
  ...["pip", "pip3", "uv"].map((name): [string, HostUse] => [
    name,
    { form: "none", values: "", hostOptions: ["proxy"] },
  ]),
  ["http", { form: "url", first: true, values: "aAops" }],
  ["https", { form: "url", first: true, values: "aAops" }],
  ["aria2c", { form: "url", values: "djkosx", listOptions: ["i", "input-file"] }],
  ["lynx", { form: "url", values: "" }],
  ["w3m", { form: "url", values: "" }],
  ["links", { form: "url", values: "" }],
  ["ssh", { form: "host", first: true, values: "BbcDEeFIiJLlmOopPQRSWw", hostOptions: ["J", "W"] }],
  ["mosh", { form: "host", first: true, values: "" }],
  ["ssh-copy-id", { form: "host", values: "ip" }],
  ["ssh-keyscan", { form: "host", values: "fpTt" }],
  ["scp", { form: "remote", values: "cDFiJloPSX", hostOptions: ["J"] }],
  ["sftp", { form: "host", first: true, values: "BbcDFiJloPRSsX", hostOptions: ["J"] }],
  ["rsync", { form: "remote", values: "efBMT" }],
  ["nc", { form: "host", first: true, values: "ceGgIiMmOoPpqsTVWwXx", hostOptions: ["x"] }],
  ["ncat", { form: "host", first: true, values: "ceGgimopswx" }],
  ["netcat", { form: "host", first: true, values: "ceGgIimOoPpqsTVWwXx" }],
  ["telnet", { form: "host", first: true, values: "beln" }],
  ["ftp", { form: "host", first: true, values: "" }],
  ["tftp", { form: "host", first: true, values: "c" }],
  ["ping", { form: "host", values: "cFIilMmNpQSsTtwW" }],
  ["dig", { form: "host", values: "bcfkpty", hostOptions: ["q", "x"] }],
  ["nslookup", { form: "host", values: "" }],
  ["host", { form: "host", values: "cmNRtW" }],
  ...["drill", "kdig", "gnutls-cli", "rlogin", "rsh"].map((name): [string, HostUse] => [
    name,
    { form: "host", values: "lp" },
  ]),
  ...["mysql", "mysqldump", "psql", "pg_dump", "redis-cli"].map((name): [string, HostUse] => [
    name,
    { form: "none", values: "", hostOptions: ["h", "host"] },
  ]),
  ...["elinks", "mongosh"].map((name): [string, HostUse] => [name, { form: "url", values: "" }]),
  ["whois", { form: "host", values: "hp", hostOptions: ["h"] }],
  ["traceroute", { form: "host", first: true, values: "fgimNpqstwz" }],
  ["nmap", { form: "host", values: "pigeoSDTm" }],
]);

/** Programs whose arguments are text for people or patterns: an URL in them is not visited. */
export const TEXT_ONLY: ReadonlySet<string> = new Set([
  ":",
  "echo",
  "egrep",
  "fgrep",
  "false",
  "grep",
  "printf",
  "rg",
  "sed",
  "test",
  "true",
]);

/** Variables that say where to connect instead. */
export const PROXY_VARIABLE = /^(?:https?|ftp|rsync|socks|all)_proxy$/i;

/** Variables in which package managers find where to fetch from. */
export const SOURCE_VARIABLE =
  /^(?:(?:PIP|UV|NPM_CONFIG|CARGO|BUNDLE|YARN|POETRY|CONDA)_\w+|GOPROXY|GEM_HOST)$/i;

/** Variables that say where those who connect find settings, which may name other hosts. */
export const SETTINGS_VARIABLES: ReadonlyMap<string, readonly string[]> = new Map([
  ["curl", ["CURL_HOME", "HOME", "XDG_CONFIG_HOME"]],
  ["git", ["HOME", "XDG_CONFIG_HOME"]],
  ["wget", ["HOME", "WGETRC"]],
]);
