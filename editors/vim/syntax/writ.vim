if exists("b:current_syntax")
  finish
endif

syntax keyword writConstant true false
syntax keyword writReserved all and any because contains counter else ends fn forbid has hold if
syntax keyword writReserved import in is latch let like never not oblige of or package per permit
syntax keyword writReserved starts subset then unless until when where with within
syntax keyword writWord agent environment label level pep principal purpose resource session tag
syntax keyword writWord task test tool type use allow allowed approved args as attempts by completed
syntax keyword writWord count delegation deny digest distinct effect elsewhere entrypoint error from
syntax keyword writWord given group instruction interrupt labels lacks limit list max min named next
syntax keyword writWord now ok on outcome pending plan rego repeat reset returns scope sequence
syntax keyword writWord server set source sum unverified wait yields
syntax match writType /\<\u\w*\>/
syntax match writMember /\.\s*\h\w*/
syntax match writNumber /\<\d\+\(\.\d\+\)\?\(ms\|[smhdw]\)\?\>/
syntax match writComment /\/\/.*$/
syntax region writString start=/"/ skip=/\\./ end=/"/ oneline

highlight default link writConstant Boolean
highlight default link writReserved Statement
highlight default link writWord Keyword
highlight default link writType Type
highlight default link writNumber Number
highlight default link writComment Comment
highlight default link writString String

let b:current_syntax = "writ"
