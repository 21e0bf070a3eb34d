# helpdesk(1) completion for bash. Made by `make completions`; change the template, not this file.
#
#   helpdesk completions bash > ~/.local/share/bash-completion/completions/helpdesk
#
# It starts no program, imports nothing and uses no network. Actions of a site's own plugins, people, groups and cases
# come from the lists that helpdesk keeps in its cache folder; names older than 30 days are left out.

_helpdesk_place() { # KEY: what may follow it, into flags (NAME=KIND), values and children
    flags=() values=() children=()
    case $1 in
    '') children=(ask chat tui do case approvals grants workflow policy undo why login logout whoami log worker reconcile store doctor config plugin completions privacy demo help) ;;
    help) ;;
    ask) flags=(--continue=switch --case=cases) values=('text…') ;;
    chat) flags=(--resume=cases --continue=switch --linear=switch) ;;
    tui) ;;
    do) flags=(--batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) children=(access.grant access.hand-over access.list access.production access.request access.revoke access.show account.disable account.enable mail.send password.change password.reset password.status password.unlock people.alias people.archive people.create people.find people.manager people.move people.offboard people.onboard people.restore people.unalias people.update people.whoami policy.index policy.search policy.show ticket.close ticket.comment ticket.open ticket.reopen ticket.status) ;;
    'do access.grant') flags=(--person=people --group=groups --days=text --until=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people groups) ;;
    'do access.hand-over') flags=(--person=people --to=people --groups=text --stays=switch --no-stays=switch --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people people) ;;
    'do access.list') flags=(--person=people --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) ;;
    'do access.production') flags=(--group=groups --reason=text '--days=choice:1|2|3' --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(groups text) ;;
    'do access.request') flags=(--group=groups --reason=text --days=text --until=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(groups) ;;
    'do access.revoke') flags=(--person=people --group=groups --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people groups) ;;
    'do access.show') flags=(--group=groups --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) ;;
    'do account.disable') flags=(--person=people --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people) ;;
    'do account.enable') flags=(--person=people --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people) ;;
    'do mail.send') flags=(--person=people --subject=text --body=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people text text) ;;
    'do password.change') flags=(--new-password-file=files --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) ;;
    'do password.reset') flags=(--person=people --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people) ;;
    'do password.status') flags=(--person=people --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) ;;
    'do password.unlock') flags=(--person=people --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people) ;;
    'do people.alias') flags=(--person=people --address=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people text) ;;
    'do people.archive') flags=(--person=people --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people) ;;
    'do people.create') flags=(--login=text --full-name=text --mail=text --title=text --manager=people --employee-number=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(text text text) ;;
    'do people.find') flags=(--words=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(text) ;;
    'do people.manager') flags=(--person=people --manager=people --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people) ;;
    'do people.move') flags=(--person=people --manager=people --gets=text --leaves=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people people) ;;
    'do people.offboard') flags=(--person=people --successor=people --equipment=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people) ;;
    'do people.onboard') flags=(--login=text --full-name=text --mail=text --manager=people --title=text --groups=text --alias=text --equipment=text --first-day=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(text text text people) ;;
    'do people.restore') flags=(--person=people --employment=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people) ;;
    'do people.unalias') flags=(--person=people --address=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(people text) ;;
    'do people.update') flags=(--phone=text --title=text --mail=text --clear=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) ;;
    'do people.whoami') flags=(--batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) ;;
    'do policy.index') flags=(--batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) ;;
    'do policy.search') flags=(--question=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(text) ;;
    'do policy.show') flags=(--document=text --heading=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(text) ;;
    'do ticket.close') flags=(--id=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(text) ;;
    'do ticket.comment') flags=(--id=text --text=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(text text) ;;
    'do ticket.open') flags=(--subject=text --body=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(text) ;;
    'do ticket.reopen') flags=(--id=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) values=(text) ;;
    'do ticket.status') flags=(--id=text --batch=files --yes-plan=text --stop-after=text --run-name=text --wait=switch --effective-at=text) ;;
    case) children=(list show close rewind export) ;;
    'case list') flags=(--all=switch) ;;
    'case show') values=(cases) ;;
    'case close') values=(cases) ;;
    'case rewind') values=(cases text) ;;
    'case export') flags=('--format=choice:markdown|json') values=(cases files) ;;
    approvals) children=(list show approve deny withdraw delegate revoke delegations) ;;
    'approvals list') flags=(--limit=text) ;;
    'approvals show') values=(text) ;;
    'approvals approve') values=(text) ;;
    'approvals deny') flags=(--reason=text) values=(text) ;;
    'approvals withdraw') values=(text) ;;
    'approvals delegate') flags=(--until=text --from=text) values=(people) ;;
    'approvals revoke') values=(text) ;;
    'approvals delegations') ;;
    grants) children=(list show extend return revoke review) ;;
    'grants list') flags=(--ended=switch --person=people --group=groups) ;;
    'grants show') values=(text) ;;
    'grants extend') flags=(--days=text --until=text --reason=text) values=(text) ;;
    'grants return') values=(text) ;;
    'grants revoke') values=(text) ;;
    'grants review') flags=(--group=groups) ;;
    workflow) children=(list show check graph runs cancel answer retry) ;;
    'workflow list') ;;
    'workflow show') flags=(--follow=switch) values=(text) ;;
    'workflow check') values=(files) ;;
    'workflow graph') flags=(--svg=files) values=(files) ;;
    'workflow runs') flags=(--all=switch --ended=switch) ;;
    'workflow cancel') values=(text) ;;
    'workflow answer') flags=(--note=text) values=(text 'choice:yes|no') ;;
    'workflow retry') flags=(--from=text) values=(text) ;;
    policy) children=(search show index) ;;
    'policy search') values=('text…') ;;
    'policy show') values=('text…') ;;
    'policy index') ;;
    undo) values=(text) ;;
    why) values=(actions) ;;
    login) values=(people) ;;
    logout) ;;
    whoami) ;;
    log) children=(list search show verify checkpoint prove check-proof export stats report segments rotate retain erase) ;;
    'log list') flags=(--limit=text --actor=text --action=actions --target=text --outcome=text --kind=text --after=text --before=text --text=text) ;;
    'log search') flags=(--limit=text --actor=text --action=actions --target=text --outcome=text --kind=text --after=text --before=text --text=text) values=('text…') ;;
    'log show') flags=(--proof=switch --names=switch --checkpoint=files) values=(text) ;;
    'log verify') flags=(--checkpoint=files --since=text) ;;
    'log checkpoint') ;;
    'log prove') values=(text) ;;
    'log check-proof') flags=(--key=text --checkpoint=files) values=(files) ;;
    'log export') flags=('--format=choice:table|jsonl|csv|ocsf' --actor=text --action=actions --target=text --outcome=text --kind=text --after=text --before=text --text=text) values=(files) ;;
    'log stats') flags=(--actor=text --action=actions --target=text --after=text --before=text) ;;
    'log report') flags=(--output=files --actor=text --action=actions --target=text --after=text --before=text) ;;
    'log segments') ;;
    'log rotate') ;;
    'log retain') flags=(--keep-days=text) ;;
    'log erase') values=(people) ;;
    worker) flags=(--once=switch --drain=text) children=(status key unit) ;;
    'worker status') ;;
    'worker key') ;;
    'worker unit') ;;
    reconcile) ;;
    store) children=(status migrate backup restore) ;;
    'store status') ;;
    'store migrate') flags=(--grant=text) ;;
    'store backup') flags=(--with-key=switch) values=(files) ;;
    'store restore') values=(files) ;;
    doctor) ;;
    config) children=(show path) ;;
    'config show') flags=(--origin=switch) ;;
    'config path') ;;
    plugin) children=(list) ;;
    'plugin list') ;;
    completions) values=('choice:bash|zsh|fish|powershell') ;;
    privacy) values=('text…') ;;
    demo) flags=(--script=switch --reset=switch) ;;
    *) return 1 ;;
    esac
}

_helpdesk_list() { # NAME DAYS: the words of a cached list into list; DAYS 0: however old it is
    local line written='' now file=$folder/$1
    list=()
    [[ $1 != */* && -f $file && -r $file ]] || return 1
    IFS= read -r written <"$file"
    written=${written#\# }
    if ((BASH_VERSINFO[0] >= 4)); then
        mapfile -t -s 1 list <"$file"
    else
        while IFS= read -r line; do list+=("$line"); done <"$file"
        list=("${list[@]:1}")
    fi
    [[ $written =~ ^[0-9]{1,12}$ ]] || { list=(); return 1; }
    now=${EPOCHSECONDS:-}
    [[ $now ]] || printf -v now '%(%s)T' -1 2>/dev/null || now=$written
    if (($2 && now - written > $2 * 86400)); then list=(); return 1; fi
}

_helpdesk_site() { # ACTION: the flags and values of an action that a site's own plugin brings
    local line list
    _helpdesk_list "flags.$1" 0 || return 1
    flags=() values=() children=()
    for line in "${list[@]}"; do
        if [[ $line == '. '* ]]; then values+=("${line#. }"); else flags+=("${line%% *}=${line#* }"); fi
    done
}

_helpdesk_descend() { # WORD: the command that it names below key
    key="${key:+$key }$1" n=0
    _helpdesk_place "$key" || _helpdesk_site "$1"
}

_helpdesk_kind() { # FLAG: what completes its value, into kind
    local one
    kind=
    for one in ${flags[@]+"${flags[@]}"} "${everywhere[@]}"; do
        if [[ ${one%%=*} == "$1" ]]; then kind=${one#*=}; return; fi
    done
}

_helpdesk_words() { # the typed words up to the cursor, in one piece where bash breaks them at = @ and :
    local i rest=$COMP_LINE space
    typed=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        space=${rest%%[![:space:]]*}
        rest=${rest#"$space"}
        rest=${rest#"${COMP_WORDS[i]}"}
        if [[ $space || $i -eq 0 || ! $COMP_LINE ]]; then
            typed+=("${COMP_WORDS[i]}")
        else
            typed[${#typed[@]} - 1]+=${COMP_WORDS[i]}
        fi
    done
}

_helpdesk_offer() { # KIND: the words that complete it, into offer
    local list
    case $1 in
    people | groups | cases) _helpdesk_list "$1" 30 && offer=("${list[@]}") ;;
    actions) offer=("${actions[@]}"); _helpdesk_list actions 0 && offer=("${list[@]}") ;;
    choice:*) IFS='|' read -r -a offer <<<"${1#choice:}" ;;
    files) compopt -o default 2>/dev/null ;;
    esac
}

_helpdesk() {
    local typed cur word quoted key='' kind='' flag='' ended='' helping='' profile='' n=0 i part head=''
    local -a flags values children offer=()
    local -a everywhere=(--json=switch --plain=switch -n=switch --dry-run=switch --no-input=switch -y=switch --yes=switch --yes-for=actions --as=people --user=people --password-stdin=switch --password-file=files --reveal-to=files --profile=choice:demo -q=switch --quiet=switch -v=switch --verbose=switch '--color=choice:auto|always|never' --no-pager=switch -d=switch --debug=switch -h=switch --help=switch -V=switch --version=switch --no-color=switch)
    local -a actions=(access.grant access.hand-over access.list access.production access.request access.revoke access.show account.disable account.enable mail.send password.change password.reset password.status password.unlock people.alias people.archive people.create people.find people.manager people.move people.offboard people.onboard people.restore people.unalias people.update people.whoami policy.index policy.search policy.show ticket.close ticket.comment ticket.open ticket.reopen ticket.status)
    COMPREPLY=()
    _helpdesk_words
    cur=${typed[${#typed[@]} - 1]}
    for ((i = 1; i < ${#typed[@]} - 1; i++)); do
        case ${typed[i]} in
        --profile) profile=${typed[i + 1]} ;;
        --profile=*) profile=${typed[i]#*=} ;;
        esac
    done
    [[ $profile =~ ^[A-Za-z0-9_-]+$ ]] || profile=
    local folder=${XDG_CACHE_HOME-}
    if [[ $folder != /* ]]; then
        folder=$HOME/.cache
        [[ $OSTYPE == darwin* ]] && folder=$HOME/Library/Caches
    fi
    folder=$folder/helpdesk${profile:+/profiles/$profile}/words

    _helpdesk_place ''
    for ((i = 1; i < ${#typed[@]} - 1; i++)); do
        word=${typed[i]}
        if [[ $flag ]]; then
            flag=
        elif [[ ! $ended && $word == -- ]]; then
            ended=1
        elif [[ ! $ended && $word == -?* ]]; then
            _helpdesk_kind "$word"
            [[ $kind && $kind != switch && $word != *=* ]] && flag=$word
        elif [[ ! $key && $word == help ]]; then
            helping=1
        elif ((${#children[@]})); then
            _helpdesk_descend "$word"
        elif [[ ${values[n]-} == actions* ]]; then
            key=do
            _helpdesk_descend "$word"
        else
            ((n++))
        fi
    done

    part=$cur
    if [[ $flag ]]; then
        _helpdesk_offer "$kind"
    elif [[ ! $ended && $cur == --*=* ]]; then
        part=${cur#*=} head=${cur%%=*}=
        _helpdesk_kind "${cur%%=*}"
        _helpdesk_offer "$kind"
    elif [[ ! $ended && $cur == -* ]]; then
        for word in ${flags[@]+"${flags[@]}"} "${everywhere[@]}"; do offer+=("${word%%=*}"); done
    elif [[ $key == do && ${#children[@]} -gt 0 ]]; then
        _helpdesk_offer actions
    elif ((${#children[@]})); then
        offer=("${children[@]}")
    elif [[ ! $helping ]] && ((${#values[@]})); then
        ((n < ${#values[@]})) || { n=$((${#values[@]} - 1)); [[ ${values[n]} == *… ]] || return 0; }
        kind=${values[n]}
        _helpdesk_offer "${kind%…}"
    fi

    local strip=${head}${part} # what stands before the last break stays on the line
    case $strip in *[=@:]*) strip=${strip%"${strip##*[=@:]}"} ;; *) strip= ;; esac
    for word in ${offer[@]+"${offer[@]}"}; do
        if [[ $part == [\"\']* ]]; then
            [[ $word == "${part#?}"* ]] && COMPREPLY+=("$word")
            continue
        fi
        [[ $word == "$part"* || $part == *\\* ]] || continue
        printf -v quoted %q "$word"
        if [[ $word == "$part"* || $quoted == "$part"* ]]; then
            quoted=$head$quoted
            COMPREPLY+=("${quoted#"$strip"}")
        fi
    done
}

complete -F _helpdesk helpdesk
