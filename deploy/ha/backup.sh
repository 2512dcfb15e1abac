#!/bin/sh
# Backups of the database: /etc/patroni/backup.sh on db1, db2, db3 and on the machine that takes them.
#
#   backup.sh archive FROM NAME   keep a piece of WAL (PostgreSQL calls it, see patroni.yml)
#   backup.sh base                copy the whole database, check the copy, drop what is older than the newest $KEEP
#   backup.sh restore TIME TO     put the newest copy from before TIME into the new folder TO, set to be replayed up
#                                 to TIME and to pause there; `latest` in place of TIME: to the end, without a pause
#
# TIME is one that `date -d` reads, such as '2026-11-28 09:00+09'; without a zone it is in that of this machine ($TZ),
# whatever the server's is.
# BACKUPS is a folder on another machine, the same for all; PGHOST, PGPORT, PGUSER and PGPASSFILE name the server.
set -eu
umask 077
BACKUPS=${BACKUPS:-/backups}
KEEP=${KEEP:-7}

archive() {
    to=$BACKUPS/wal/$2
    # PostgreSQL asks again where it does not know what became of the last time.
    if [ -e "$to" ]; then
        cmp "$1" "$to"
        return
    fi
    cp "$1" "$to.part"
    sync "$to.part"
    mv "$to.part" "$to"
    sync "$BACKUPS/wal"
}

base() {
    mkdir -p "$BACKUPS/base"
    rm -rf "$BACKUPS/base/.new"
    pg_basebackup --pgdata="$BACKUPS/base/.new" --checkpoint=fast --label=backup.sh
    pg_verifybackup --quiet "$BACKUPS/base/.new"
    # Named for its end: replayed to any later moment it is consistent.
    mv "$BACKUPS/base/.new" "$BACKUPS/base/$(date -u +%Y%m%dT%H%M%SZ)"
    sync "$BACKUPS/base"
    ls "$BACKUPS/base" | head -n "-$KEEP" | while read -r old; do
        rm -rf "$BACKUPS/base/$old"
    done
    oldest=$BACKUPS/base/$(ls "$BACKUPS/base" | head -n 1)
    pg_archivecleanup "$BACKUPS/wal" "$(sed -n 's/^START WAL LOCATION: .* (file \(.*\))$/\1/p' "$oldest/backup_label")"
}

restore() {
    moment=$1 to=$2
    # Read once, with its zone from here on: PostgreSQL would read it in another.
    [ "$moment" = latest ] || moment=$(date -d "$moment" '+%F %T.%6N%:z')
    before=$(if [ "$moment" = latest ]; then date -u +%Y%m%dT%H%M%SZ; else date -u -d "$moment" +%Y%m%dT%H%M%SZ; fi)
    base=$(ls "$BACKUPS/base" | awk -v before="$before" '$0 < before' | tail -n 1)
    [ -n "$base" ] || { echo "there is no copy from before $moment" >&2; exit 1; }
    [ ! -e "$to" ] || { echo "$to is there already" >&2; exit 1; }
    cp -a "$BACKUPS/base/$base" "$to"
    {
        echo "restore_command = 'cp \"$BACKUPS/wal/%f\" \"%p\"'"
        [ "$moment" = latest ] || echo "recovery_target_time = '$moment'"
    } >> "$to/postgresql.auto.conf"
    touch "$to/recovery.signal"
    chown --reference="$to/PG_VERSION" "$to/recovery.signal"
    echo "$base, to be replayed up to $moment, is in $to"
}

case ${1:-} in
archive | base | restore) "$@" ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
