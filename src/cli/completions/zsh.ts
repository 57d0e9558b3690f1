import { type CommandWords, type Grammar, isWords, type OptionWords, type Values } from './grammar.js'

/** For a file in `fpath`, and for being sourced after compinit. */
export function zsh({ commands }: Grammar): string {
  return `#compdef dbdoctor
# dbdoctor completion for zsh: source <(dbdoctor completion zsh), after compinit
_dbdoctor() {
  local -a commands=(
${commands.map(({ name, description }) => `    ${quote(`${name}:${description}`)}`).join('\n')}
  )
  if ((CURRENT == 2)); then
    _describe -t commands command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${commands.map(commandCase).join('\n')}
  esac
}

if [[ $funcstack[1] == _dbdoctor ]]; then
  _dbdoctor "$@"
else
  compdef _dbdoctor dbdoctor
fi
`
}

function commandCase({ name, options, argument }: CommandWords): string {
  const specs = [...options.flatMap(optionSpecs), ...(argument ? [quote(`1:${name}:${action(argument)}`)] : [])]
  return `    ${name})\n      _arguments \\\n${specs.map((spec) => `        ${spec}`).join(' \\\n')}\n      ;;`
}

/** One for each flag; any may come again. */
function optionSpecs({ flags, description, values }: OptionWords): string[] {
  const told = `[${description.replace(/[[\]\\:]/g, '\\$&')}]`
  return flags.map((flag) => {
    if (values === null) return quote(`*${flag}${told}`)
    return quote(`*${flag}${flag.startsWith('--') ? '=' : ''}${told}:value:${action(values)}`)
  })
}

function action(values: Values): string {
  if (isWords(values)) {
    const words = values.words.join(' ')
    return values.kind === 'list' ? `_sequence compadd - ${words}` : `(${words})`
  }
  return values.kind === 'files' ? '_files' : ''
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
