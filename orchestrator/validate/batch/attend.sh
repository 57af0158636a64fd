# What attends to questions on a machine, for any POSIX shell. It is sent along with every script, see script.py.
#
# The working directory is the session's folder, root's alone:
#   claimed/N    who claimed question N (a process id); made once, by O_EXCL, so that nothing is ever run twice
#   live/N.*     o, e: its two streams; c: the exit code, if the command ended by itself
#   ended/N      how it ended: an exit code; t: it was stopped for taking too long; f: there was no room; u: unknown,
#                as is what it wrote
#   turn.N       locked by the one of the questions with this turn that runs
#   F, F.names   an answer, and the files that are not needed any more once it has arrived

unset LANG LANGUAGE LC_ALL
export HOME="${HOME:-/root}"
here=$PWD
unbuffered='stdbuf -o0'
command -v stdbuf >/dev/null || unbuffered=''

# Hundredths of a second since the machine started.
now() {
    read -r now rest </proc/uptime
    now=${now%.*}${now#*.}
}

# Questions call this, in the process that works on them: run NUMBER SECONDS HUNDREDTHS COMMAND [TURN]
run() {
    set -C
    if ! echo $$ >"claimed/$1"; then
        set +C
        return
    fi
    set +C
    ended=''
    if ! is_piped; then
        ended=u
    elif [ -n "${5-}" ] && command -v flock >/dev/null; then
        # One that hangs keeps the others waiting for a minute, no longer.
        {
            flock -w 60 9
            answer "$@" 9>&-
        } 9>"turn.$5" 2>/dev/null
    fi
    [ -n "$ended" ] || answer "$@"
    if is_full; then
        ended=f
    fi
    case $ended in
    [tuf]) # what it wrote is not looked at
        true >"live/$1.o"
        true >"live/$1.e"
        ;;
    esac
    echo "$ended" >"ended/$1"
}

# Without its pipes a command would write into files, and nobody would read what it wrote.
is_piped() {
    [ -p "$$.o" ] && [ -p "$$.e" ] && return
    rm -f "$$.o" "$$.e"
    mkfifo -m 600 "$$.o" "$$.e"
}

# Run what `run` was called with, and set `ended`.
answer() {
    # Through pipes, so that nothing fills the folder, and what is opened as /dev/stdout is not a file to be emptied.
    $unbuffered head -c $((limit + 1)) <"$$.o" >"live/$1.o" &
    readers=$!
    $unbuffered head -c $((limit + 1)) <"$$.e" >"live/$1.e" &
    readers="$readers $!"
    now
    began=$now
    timeout -k 2 "$2" /bin/sh -c '
        trap : TERM
        (cd / && exec /bin/sh -c "$1" >"$2" 2>"$3")
        echo $? >"$0.c"
    ' "$here/live/$1" "$4" "$here/$$.o" "$here/$$.e" </dev/null
    ended=$?
    now
    if [ $ended -eq 124 ] || { [ $ended -eq 137 ] && [ $((now - began)) -ge "$3" ]; }; then
        ended=t
    elif [ -s "live/$1.c" ]; then
        read -r ended <"live/$1.c"
    else
        ended=u # whatever ran it was killed
    fi
    drain
    part_with
}

# Wait until what was written has been read: a reader has met the end, or waits in vain for more, look after look, because
# something that the command has left behind holds its stream open. One that sleeps before it has become `head` has
# read nothing, and one that does not sleep is about to write: both are waited for, within a minute.
drain() {
    looks=0 idle='' began=$now
    while [ $looks -lt 100 ] && [ $((now - began)) -lt 6000 ]; do
        idle='' busy=''
        for reader in $readers; do
            state=''
            [ ! -e "/proc/$reader/stat" ] || read -r state <"/proc/$reader/stat"
            case $state in
            '' | *') Z '*) ;;
            "$reader (head) S $$ "*) idle="$idle $reader" ;;
            *) busy="$busy $reader" ;;
            esac
        done
        [ -n "$idle$busy" ] || break
        if [ -z "$busy" ] || [ $looks -lt 60 ]; then
            looks=$((looks + 1))
        fi
        [ $looks -lt 60 ] || sleep 0.02
        now
    done
}

# End the readers that are left, and see how each has ended: one that had no room, or was killed before it was idle, has
# not read all.
part_with() {
    if [ -n "$idle$busy" ]; then
        kill $idle $busy
        rm -f "$$.o" "$$.e" # what is left behind has the old ones
        [ -n "$unbuffered" ] || ended=u
    fi
    for reader in $readers; do
        wait "$reader"
        case "$?:$idle " in
        0:* | *" $reader "*) ;;
        1:*) true >full ;; # it could not write
        *) ended=u ;;
        esac
    done
}

# Whether the folder has, or had, no room for what commands write. It is remembered: nothing written then can be trusted.
is_full() {
    if [ -e full ]; then
        return 0
    fi
    if echo room >"room.$$"; then
        return 1
    fi
    true >full
} 2>/dev/null

# Another process that works on the questions of a chunk, detached from whoever sent the script.
hire() {
    setsid /bin/sh "./$1" work </dev/null >/dev/null 2>&1 &
}

unclaimed() {
    for number in $left; do
        [ -e "claimed/$number" ] || return 0
    done
    return 1
}

# attend CHUNK TOKEN EARLY LATEST SHARE PART: wait for the questions in `left`, and say how they ended.
# EARLY and LATEST are hundredths of a second: after so long some answers suffice, or none.
attend() {
    part=$6 chunk=$1
    hands=$((($(nproc) + $5 - 1) / $5))
    if unclaimed; then
        working=0
        for worker in $(cat "$chunk.workers" 2>/dev/null); do
            [ -d "/proc/$worker" ] && working=$((working + 1))
        done
        while [ $working -lt $hands ]; do
            hire "$chunk"
            working=$((working + 1))
        done
    fi
    now
    began=$now moved=$now finished='' pause=0.02 more=32
    while :; do
        still=''
        for number in $left; do
            if [ -s "ended/$number" ]; then
                finished="$finished $number" moved=$now
            else
                still="$still $number"
            fi
        done
        left=$still
        now
        waited=$((now - began))
        [ -n "$left" ] || break
        [ $waited -lt "$4" ] || break
        [ $waited -lt "$3" ] || [ -z "$finished" ] || break
        # What is claimed may sleep, or hang: the others do not wait for it.
        if [ $((now - moved)) -ge 100 ] && [ $more -gt 0 ] && unclaimed; then
            hire "$chunk"
            more=$((more - 1)) moved=$now
        fi
        sleep $pause
        [ $waited -lt 50 ] || pause=0.1
    done
    lost=''
    for number in $left; do
        worker=''
        [ ! -e "claimed/$number" ] || read -r worker <"claimed/$number"
        [ -z "$worker" ] || [ -d "/proc/$worker" ] || [ -s "ended/$number" ] || lost="$lost $number"
    done
    pack "$2.$$" 2>/dev/null # where there is no room, the answer says so
    size=$(wc -c <"$2.$$") digest=$(sha256sum <"$2.$$")
    printf 'ami:%s:%s:%s:%d:' "$2" "$2.$$" "${digest%% *}" "$size"
    head -c "$part" "$2.$$"
    printf ':end\n'
}

# pack FILE: "NUMBER CODE STDOUT-SIZE STDERR-SIZE" for each question that has ended, "NUMBER lost" for each that never
# will, an empty line; then the streams of those that are carried. In gzip, in base64.
pack() {
    names='' gone=''
    for number in $finished; do
        if [ -e "live/$number.o" ] && [ -e "live/$number.e" ]; then
            names="$names $number.o $number.e"
        else
            gone="$gone $number"
        fi
    done
    (
        cd live || exit
        [ -z "$names" ] || wc -c $names
    ) >"$1.sizes"
    total=0 kept='' spent=''
    while read -r out name && [ "$name" != total ] && read -r err name; do
        number=${name%.e}
        read -r code <"ended/$number"
        if [ $((out + err)) -gt "$limit" ]; then
            : # its sizes are told, no more
        elif [ $total -gt 0 ] && [ $((total + out + err)) -gt $((2 * limit)) ]; then
            continue # for the next script: this one must end in time
        else
            kept="$kept $number.o $out $number.e $err" total=$((total + out + err))
        fi
        echo "$number $code $out $err"
        spent="$spent live/$number.o live/$number.e live/$number.c ended/$number"
    done <"$1.sizes" >"$1.head"
    for number in $gone; do
        echo "$number u 0 0"
        spent="$spent live/$number.o live/$number.e live/$number.c ended/$number"
    done >>"$1.head"
    echo "$spent" >"$1.names"
    for number in $lost; do
        echo "$number lost"
    done >>"$1.head"
    echo >>"$1.head"
    streams >"$1.body"
    # What a command left behind may still write: then each stream is cut where it ended before.
    [ "$(wc -c <"$1.body")" -eq $total ] || streams_cut $kept >"$1.body"
    cat "$1.head" "$1.body" | gzip -c | base64 -w 0 >"$1"
    rm -f "$1.sizes" "$1.head" "$1.body"
}

streams() {
    cd live || return
    set -- $kept
    names=''
    while [ $# -gt 0 ]; do
        names="$names $1"
        shift 2
    done
    [ -z "$names" ] || cat $names
    cd ..
}

streams_cut() {
    while [ $# -gt 0 ]; do
        head -c "$2" "live/$1"
        shift 2
    done
}
