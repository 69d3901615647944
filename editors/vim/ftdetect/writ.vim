autocmd BufNewFile,BufRead *.writ setfiletype writ
