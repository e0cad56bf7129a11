#compdef beamtap
# Completion of beamtap for zsh.

_beamtap_ask() {
    beamtap plugins $1 2>/dev/null </dev/null
}

_beamtap_ini() {
    _files -g '*.ini'
}

_beamtap_file() {
    _files
}

_beamtap_session() {
    compadd session
}

_beamtap_plugin() {
    compadd -- ${(f)"$(_beamtap_ask | sed -n 's/^\([a-z]*:[a-z0-9_]*\) .*/\1/p')"}
}

_beamtap_keys() {
    compadd -S '' -- ${(f)"$(_beamtap_ask $1 | sed -n 's/^    \([a-z][a-z0-9_]*\) .*/\1=/p')"}
}

# SECTION.KEY=VALUE
_beamtap_setting() {
    if compset -P '*='; then
        _files
    elif [[ $PREFIX == *.* ]]; then
        local section=${PREFIX%%.*}
        compset -P '*.'
        _beamtap_keys $section
    else
        compadd -S '' -- session. ${(f)"$(_beamtap_ask | sed -n 's/^\([a-z]*:[a-z0-9_]*\) .*/\1./p')"}
    fi
}

# NAME:KEY=VALUE,...
_beamtap_sink() {
    if [[ $PREFIX == *:* ]]; then
        local name=${PREFIX%%:*}
        compset -P '*[:,]'
        if compset -P '*='; then _files; else _beamtap_keys sink:$name; fi
    else
        compadd -S '' -- ${(f)"$(_beamtap_ask | sed -n 's/^sink:\([a-z0-9_]*\) .*/\1:/p')"}
    fi
}

_beamtap() {
    local -a commands
    local name
    commands=(
        # <commands>
        '--help:what there is'
        '--version:which one it is'
    )
    if ((CURRENT == 2)); then
        _describe command commands
        return
    fi
    name=$words[2]
    shift words
    ((CURRENT--))
    case $name in
    # <arms>
    esac
}

_beamtap "$@"
