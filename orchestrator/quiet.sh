# Waits until a machine has done what it does by itself after its boot: systemd's jobs, cloud-init, and programs that
# install packages (apt-daily, unattended-upgrades) and hold apt's locks meanwhile. For any POSIX shell and any user.
#
#   boot      seconds after which systemd's boot is not waited for any more: a job may hang for good
#   limit     seconds after which nothing is
#   strict    1: a cloud-init that failed, and a machine that is not quiet in the end, are errors
#   prefix    stands before everything that is said
#   locks     files that apt and dpkg lock
#   result    the file in which cloud-init says, when it has ended, what went wrong

up() {
    read -r up rest </proc/uptime
    up=${up%.*}
}

# Each of these sets `why` when there is something to wait for, and succeeds then.
systemd_boots() {
    case $(systemctl is-system-running 2>/dev/null) in
    initializing | starting) ;;
    *) return 1 ;;
    esac
    jobs=$(systemctl list-jobs --no-legend 2>/dev/null | while read -r number unit type state; do
        [ "$state" != running ] || printf ' %s' "$unit"
    done)
    why="systemd to finish the boot$jobs"
}

# Old ones say `not run`, newer ones `not started`. When systemd has booted, such a one will not start any more. A start
# of cloud-init takes half a second of a core: it is not asked when its result tells that it has ended well.
cloud_init_works() {
    command -v cloud-init >/dev/null || return 1
    case $(cat "$result" 2>/dev/null) in
    *'"errors": []'*) return 1 ;;
    esac
    said=$(cloud-init status --long 2>/dev/null)
    case $said in
    *'status: running'*) why='cloud-init to end' ;;
    *) return 1 ;;
    esac
}

# fcntl(2)'s locks as the kernel lists them: NUMBER: POSIX ADVISORY WRITE PROCESS MAJOR:MINOR:INODE START END
apt_is_locked() {
    for lock in $locks; do
        inode=$(stat -c %i "$lock" 2>/dev/null) || continue
        while read -r number kind advisory mode process place rest; do
            if [ "$kind $mode ${place##*:}" = "POSIX WRITE $inode" ]; then
                name=$(cat "/proc/$process/comm" 2>/dev/null) || name='a program'
                unit=$(grep -om 1 '[^/]*\.service' "/proc/$process/cgroup" 2>/dev/null)
                why="apt's lock $lock, held by $name (process $process${unit:+ of $unit})"
                return 0
            fi
        done </proc/locks
    done
    return 1
}

# They give up their locks between two steps.
apt_works() {
    for unit in apt-daily.service apt-daily-upgrade.service; do
        if [ "$(systemctl is-active "$unit" 2>/dev/null)" = activating ]; then
            why="$unit to end"
            return 0
        fi
    done
    return 1
}

quiet() {
    up
    began=$up told=-30 waited=0 last=''
    while :; do
        why=''
        { [ $waited -lt "$boot" ] && systemd_boots; } || cloud_init_works || apt_is_locked || apt_works || return 0
        # What changes with every look would be told every second.
        if [ "${why%% (*}" != "$last" ] || [ $((waited - told)) -ge 30 ]; then
            echo "${prefix}waiting for $why (${waited} s)"
            last=${why%% (*} told=$waited
        fi
        [ $waited -lt "$limit" ] || return 1
        sleep 0.5
        up
        waited=$((up - began))
    done
}

if ! quiet; then
    echo "${prefix}not quiet after $limit s: still waiting for $why" >&2
    [ "$strict" != 1 ] || exit 1
fi
case ${said-} in
*'status: error'*)
    echo "${prefix}cloud-init failed: $(echo $said)" >&2
    [ "$strict" != 1 ] || exit 1
    ;;
esac
