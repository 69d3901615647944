CompilerSet makeprg=writ\ check\ %:h:S
CompilerSet errorformat=%f:%l:%c:\ %trror\ E%n:\ %m,%f:%l:%c:\ %tarning\ W%n:\ %m,%-G%.%#
