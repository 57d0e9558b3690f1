import { type CommandWords, type Grammar, isWords, type Values } from './grammar.js'

/** Works from bash 3.2 on, which macOS has. */
export function bash({ commands }: Grammar): string {
  return `# dbdoctor completion for bash: source <(dbdoctor completion bash)
_dbdoctor_list() {
  local given=
  [[ $1 == *,* ]] && given=\${1%,*},
  COMPREPLY=($(compgen -P "$given" -W "$2" -- "\${1##*,}"))
  compopt -o nospace 2>/dev/null
}

_dbdoctor() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} options= words=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')} --help --version' -- "$current"))
    return
  fi
  # To bash, the sign in --option=value is a word of its own.
  if [[ $current == '=' ]]; then
    current=
  elif [[ $before == '=' ]]; then
    before=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  case \${COMP_WORDS[1]}:$before in
${commands.flatMap(valueCases).join('\n')}
  esac
  case \${COMP_WORDS[1]} in
${commands.map(commandCase).join('\n')}
  esac
  [[ $current == -* ]] && words=$options
  # Without a word of ours, bash completes files.
  [[ -n $words ]] && COMPREPLY=($(compgen -W "$words" -- "$current"))
}

complete -o bashdefault -o default -F _dbdoctor dbdoctor
`
}

/** What may follow an option. */
function valueCases({ name, options }: CommandWords): string[] {
  return options.flatMap(({ flags, values }) => {
    if (values === null) return []
    return `    ${flags.map((flag) => `${name}:${flag}`).join(' | ')}) ${completing(values)}; return ;;`
  })
}

function completing(values: Values): string {
  if (!isWords(values)) return ':'
  const words = `'${values.words.join(' ')}'`
  return values.kind === 'list'
    ? `_dbdoctor_list "$current" ${words}`
    : `COMPREPLY=($(compgen -W ${words} -- "$current"))`
}

function commandCase({ name, options, argument }: CommandWords): string {
  const words = argument && isWords(argument) ? ` words='${argument.words.join(' ')}'` : ''
  return `    ${name}) options='${options.flatMap(({ flags }) => flags).join(' ')}'${words} ;;`
}
