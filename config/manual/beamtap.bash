# Completion of beamtap for bash. Words are split at blanks alone: : and = belong to beamtap's words, wherever bash would split.

_beamtap_ask() {
    beamtap plugins ${1+"$1"} 2>/dev/null </dev/null
}

# KIND:NAME of each plugin, or the names of one kind.
_beamtap_plugins() {
    _beamtap_ask | sed -n "s/^${1:-[a-z]*}:\([a-z0-9_]*\) .*/\1/p" | sed "s/^/${2-}/"
}

_beamtap_all() {
    _beamtap_ask | sed -n 's/^\([a-z]*:[a-z0-9_]*\) .*/\1/p'
}

_beamtap_keys() {
    _beamtap_ask "$1" | sed -n 's/^    \([a-z][a-z0-9_]*\) .*/\1=/p'
}

# What the value of a flag is: @KIND, the words that it may be, or nothing; and no line for a flag that has none.
_beamtap_value_of() {
    case "$1 $2" in
    # <values>
    *) echo @none ;;
    esac
}

_beamtap_takes() {
    case $1 in
    # <words>
    esac
}

_beamtap_offer() { # prefix words...: those that go on from what is written
    local prefix=$1
    shift
    COMPREPLY+=($(compgen -P "$prefix" -W "$*" -- "${cur#"$prefix"}"))
}

_beamtap_files() { # what the names must end in; folders, too
    local name
    compopt -o filenames 2>/dev/null
    while IFS= read -r name; do
        [[ -d $name || $name == *$1 ]] && COMPREPLY+=("$name")
    done < <(compgen -f -- "$cur")
}

_beamtap_paths() { # behind path=
    local name
    while IFS= read -r name; do
        [[ -d $name ]] && name+=/
        COMPREPLY+=("${cur%"$1"}$name")
    done < <(compgen -f -- "$1")
}

_beamtap_complete() { # one of the kinds
    local head
    case $1 in
    @file) _beamtap_files '' ;;
    @ini) _beamtap_files .ini ;;
    @session) _beamtap_offer '' session ;;
    @plugin) _beamtap_offer '' $(_beamtap_all) ;;
    @setting)
        if [[ $cur == *.* ]]; then
            _beamtap_offer "${cur%%.*}." $(_beamtap_keys "${cur%%.*}")
        else
            _beamtap_offer '' session. $(_beamtap_all | sed 's/$/./')
        fi
        ;;
    @sink)
        head=${cur##*[:,]}
        if [[ $cur != *:* ]]; then
            _beamtap_offer '' $(_beamtap_plugins sink | sed 's/$/:/')
        elif [[ $head == path=* ]]; then
            _beamtap_paths "${head#path=}"
        elif [[ $head != *=* ]]; then
            _beamtap_offer "${cur%"$head"}" $(_beamtap_keys "sink:${cur%%:*}")
        fi
        ;;
    @*) ;;
    *) _beamtap_offer "$([[ $cur == *,* ]] && echo "${cur%,*},")" $1 ;;
    esac
}

_beamtap() {
    local line=${COMP_LINE:0:COMP_POINT} cur='' previous flags commands words=() kind breaks
    # <commands>
    read -r -a words <<<"$line"
    [[ $line == *[[:space:]] || ${#words[@]} = 0 ]] || { cur=${words[-1]} && unset 'words[-1]'; }
    COMPREPLY=()
    if ((${#words[@]} <= 1)); then
        _beamtap_offer '' $commands
        return
    fi
    case ${words[1]} in
    # <flags>
    *) return ;;
    esac
    previous=${words[-1]}
    if [[ $cur == --*=* ]]; then
        previous=${cur%%=*}
        cur=${cur#*=}
    fi
    if [[ $previous == -* ]] && kind=$(_beamtap_value_of "${words[1]}" "$previous") && [[ $kind != @none ]]; then
        _beamtap_complete "$kind"
    elif [[ $cur == -* ]]; then
        _beamtap_offer '' $flags
    else
        for kind in $(_beamtap_takes "${words[1]}"); do
            _beamtap_complete "$kind"
        done
    fi
    # Readline replaces what stands behind the last of its own word breaks.
    breaks=${COMP_WORDBREAKS//[!:=]/}
    [[ $breaks && $cur == *[$breaks]* ]] && COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*[$breaks]}"}"}")
    [[ ${COMPREPLY[0]-} == *[:=./] ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -F _beamtap beamtap
