setlocal commentstring=//\ %s comments=:// expandtab shiftwidth=2 formatprg=writ\ fmt\ -
compiler writ
