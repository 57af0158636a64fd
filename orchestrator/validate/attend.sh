# What attends to questions on a machine, for any POSIX shell. It is sent along with every script, see script.py.
#
# The working directory is the session's folder, root's alone:
#   claimed/N    who claimed question N (a process id); made once, by O_EXCL, so that nothing is ever run twice
#   live/N.*     o, e: its two streams; c: the exit code, if the command ended by itself
#   ended/N      how it ended: an exit code, or t when it was stopped for taking too long
#   F, F.names   an answer, and the files that are not needed any more once it has arrived

unset LANG LANGUAGE LC_ALL
export HOME="${HOME:-/root}"
here=$PWD

# Questions call this, in the process that works on them: run NUMBER SECONDS COMMAND
run() {
    set -C
    if ! echo $$ >"claimed/$1"; then
        set +C
        return
    fi
    set +C
    timeout -k 2 "$2" /bin/sh -c '
        (cd / && exec /bin/sh -c "$1" >"$0.o" 2>"$0.e")
        echo $? >"$0.c"
    ' "$here/live/$1" "$3" </dev/null
    ended=$?
    if [ -s "live/$1.c" ]; then
        read -r ended <"live/$1.c"
    elif [ $ended -eq 124 ] || [ $ended -eq 137 ]; then
        ended=t
    elif [ $ended -lt 128 ]; then
        ended=u # its exit code could not be written
    fi
    if [ "$ended" = t ]; then # what it wrote is not looked at, and may have filled the folder
        true >"live/$1.o"
        true >"live/$1.e"
    fi
    echo "$ended" >"ended/$1"
}

# Another process that works on the questions of a chunk, detached from whoever sent the script.
hire() {
    setsid /bin/sh "./$1" work </dev/null >/dev/null 2>&1 &
}

# Hundredths of a second since the machine started.
now() {
    read -r now rest </proc/uptime
    now=${now%.*}${now#*.}
}

unclaimed() {
    for number in $left; do
        [ -e "claimed/$number" ] || return 0
    done
    return 1
}

# attend CHUNK TOKEN EARLY LATEST SHARE LIMIT PART: wait for the questions in `left`, and say how they ended.
# EARLY and LATEST are hundredths of a second: after so long some answers suffice, or none.
attend() {
    limit=$6 part=$7 chunk=$1
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
    pack "$2.$$"
    size=$(wc -c <"$2.$$") digest=$(sha256sum <"$2.$$")
    printf 'ami:%s:%s:%s:%d:' "$2" "$2.$$" "${digest%% *}" "$size"
    head -c "$part" "$2.$$"
    printf ':end\n'
}

# pack FILE: "NUMBER CODE STDOUT-SIZE STDERR-SIZE" for each question that has ended, "NUMBER lost" for each that never
# will, an empty line; then the streams of those that are carried. In gzip, in base64.
pack() {
    names='' spent=''
    for number in $finished; do
        for stream in o e; do
            [ -e "live/$number.$stream" ] || true >"live/$number.$stream"
        done
        names="$names $number.o $number.e"
        spent="$spent live/$number.o live/$number.e live/$number.c ended/$number"
    done
    echo "$spent" >"$1.names"
    total=0 kept=''
    (
        cd live || exit
        [ -z "$names" ] || wc -c $names
    ) >"$1.sizes"
    while read -r out name && [ "$name" != total ] && read -r err name; do
        number=${name%.e}
        read -r code <"ended/$number"
        echo "$number $code $out $err"
        [ $((out + err)) -gt "$limit" ] || kept="$kept $number.o $out $number.e $err" total=$((total + out + err))
    done <"$1.sizes" >"$1.head"
    for number in $lost; do
        echo "$number lost"
    done >>"$1.head"
    echo >>"$1.head"
    streams "$1" >"$1.body"
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
