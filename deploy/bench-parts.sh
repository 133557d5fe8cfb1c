# Sourced by deploy/bench: scratch space, the vault, and where figures are noted.
# Expects $program, $results, $seconds and $round.

children=()

# make_scratch: $scratch, on the disk of the repository. /tmp is memory on some machines, and memory
# syncs at no cost.
make_scratch() {
  mkdir -p .build-release
  scratch=$(mktemp -d "$PWD/.build-release/bench.XXXXXX")
  # PostgreSQL runs as a user of its own, and has to get to its directory.
  chmod 711 "$scratch"
  trap clean_up EXIT
}

clean_up() {
  local child
  for child in "${children[@]}"; do kill "$child" 2>/dev/null && wait "$child" || true; done
  rm -rf "$scratch"
}

# stop_child PID: ends a child of this shell and waits for it.
stop_child() {
  local child left=()
  kill "$1"
  wait "$1" || true
  for child in "${children[@]}"; do [[ $child == "$1" ]] || left+=("$child"); done
  children=("${left[@]}")
}

# describe_machine: what every figure depends on.
describe_machine() {
  local sync
  sync=$(LC_ALL=C dd if=/dev/zero of="$scratch/sync" bs=4k count=200 oflag=dsync 2>&1 |
    sed -nE 's/.* copied, ([0-9.]+) s,.*/\1/p')
  rm "$scratch/sync"
  {
    echo "machine   $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
    echo "memory    $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
    echo "kernel    $(uname -r), $(. /etc/os-release && echo "$PRETTY_NAME")"
    awk -v s="$sync" 'BEGIN { printf "disk      %.0f µs for a synced write of 4 KiB\n", s * 5e3 }'
    echo "load      $(cut -d' ' -f1-3 /proc/loadavg) before the run"
    echo "client    on the same cores as what it measures"
  } | tee "$results/machine.txt"
  echo
}

# member NAME: the value of a member in a line of JSON.
member() { sed -E "s/.*\"$1\":\"?([^\",}]*).*/\1/"; }

# note SUBJECT CARDS: adds what was measured to the results, a line of JSON from standard input.
note() {
  local line
  read -r line
  echo "{\"subject\":\"$1\",\"store\":$2,\"round\":${round:-1},${line#\{}" |
    tee -a "$results/results.jsonl" |
    sed -E 's/.*"subject":"([^"]*)".*"store":([0-9]*).*"operation":"([^"]*)".*"connections":([0-9]*).*"per_second":([0-9]*).*/  \1 \3, \2 cards, \4 connections: \5\/s/'
}

# rates OPERATION CARDS CONNECTIONS: the vault's answers a second in each round.
rates() {
  grep "\"subject\":\"cadenas\",\"store\":$2,.*\"operation\":\"$1\",\"connections\":$3," \
    "$results/results.jsonl" | grep -v '"rate"' | member per_second || true
}

# make_store CARDS: an installation whose store holds so many.
make_store() {
  local directory=$scratch/vault-$1
  start_vault "$directory"
  stop_vault
  if (($1 > 0)); then "$program" fill --directory "$directory" --cards "$1"; fi
  if (($1 == 0)); then cp -a "$directory/store" "$directory.empty"; fi
}

# restore_store CARDS: the empty store is empty again; the others grow by what is measured.
restore_store() {
  if (($1 > 0)); then return; fi
  rm -rf "$scratch/vault-0/store"
  cp -a "$scratch/vault-0.empty" "$scratch/vault-0/store"
}

# start_vault DIRECTORY: sets $vault (its address), $pki, $vault_pid and $acquirer_pid.
start_vault() {
  local line
  coproc up { exec "$program" up --directory "$1"; }
  vault_up=$up_PID
  children+=("$vault_up")
  read -r line <&"${up[0]}" || { echo "the vault did not start" >&2; exit 1; }
  vault=$(member vault <<<"$line")
  vault_pid=$(member vault_pid <<<"$line")
  acquirer_pid=$(member acquirer_pid <<<"$line")
  pki=$1/pki
}

stop_vault() { stop_child "$vault_up"; }

# measure_vault OPERATION CONNECTIONS [OPTION…]: one line of JSON; fails where an answer was wrong.
measure_vault() {
  local operation=$1 count=$2
  shift 2
  "$program" bench --vault "$vault" --pki "$pki" --operation "$operation" --connections "$count" \
    --seconds "$seconds" --filled "$cards" --process "$vault_pid" --process "$acquirer_pid" \
    --format json "$@"
}

# note_memory CARDS: the vault's own memory, beside the page cache.
note_memory() {
  local kib
  kib=$(awk '/^RssAnon/ { print $2 }' "/proc/$vault_pid/status")
  echo "{\"task\":\"memory\",\"store\":$1,\"round\":$round,\"kib\":$kib}" >>"$results/results.jsonl"
  echo "  memory beside the page cache, $1 cards: $((kib / 1024)) MiB"
}

# free_port: a port of 127.0.0.1 that nobody listens on.
free_port() {
  local port
  for _ in {1..200}; do
    port=$((16384 + RANDOM % 16000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port" && return; fi
  done
  echo "no free port on 127.0.0.1" >&2
  return 1
}

# wait_for_port PORT: until somebody listens.
wait_for_port() {
  for _ in {1..600}; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
    sleep 0.05
  done
  echo "nobody listens on port $1" >&2
  return 1
}
