/** Commands that only this `xe` has. */
export const own: Readonly<
  Record<
    string,
    { readonly required: readonly string[]; readonly optional: readonly string[]; readonly doc: string }
  >
> = {
  'image-import': {
    required: ['filename'],
    optional: ['name-label'],
    doc: 'Uploads a disk image (- for standard input) and makes a template of it, whose uuid is printed',
  },
  'host-failover': {
    required: [],
    optional: ['<host-selectors>'],
    doc: 'Starts elsewhere the VMs that ran on a host when it was lost, and prints for each whether it was started, or why not',
  },
  completion: {
    required: [],
    optional: ['bash'],
    doc: 'Prints a script that completes commands and parameters in a shell',
  },
};

/** Commands come from the list as it is now, parameters from the help of the command. */
export const bashCompletion = (
  names: readonly string[],
): string => `# Completion of xe for bash: eval "$(xe completion bash)"
_xe() {
  local word=\${COMP_WORDS[COMP_CWORD]}
  local command=\${COMP_WORDS[1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=( $(compgen -W "${names.join(' ')}" -- "$word") )
    return
  fi
  local params
  params=$("\${COMP_WORDS[0]}" help "$command" 2>/dev/null | sed -En 's/^ *(reqd|optional) params *: //p' | tr -d ' ' | tr ',' '\\n' | grep -v '^<' | sed -e 's/[^:]$/&=/')
  COMPREPLY=( $(compgen -W "$params --minimal --multiple --force" -- "$word") )
  case "\${COMPREPLY[0]}" in *=|*:) compopt -o nospace 2>/dev/null ;; esac
}
complete -F _xe xe
`;
