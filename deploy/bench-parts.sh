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

# stop_child PID [SIGNAL]: ends a child of this shell and waits for it.
stop_child() {
  local child left=()
  kill -s "${2:-TERM}" "$1"
  wait "$1" 2>/dev/null || true
  for child in "${children[@]}"; do [[ $child == "$1" ]] || left+=("$child"); done
  children=("${left[@]}")
}

# synced_write: what a synced write of 4 KiB costs now, in microseconds.
synced_write() {
  LC_ALL=C dd if=/dev/zero of="$scratch/sync" bs=4k count=100 oflag=dsync 2>&1 |
    sed -nE 's/.* copied, ([0-9.]+) s,.*/\1/p' | awk '{ printf "%.0f", $1 * 1e4 }'
  rm "$scratch/sync"
}

# describe_machine: what every figure depends on.
describe_machine() {
  {
    echo "machine   $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
    echo "memory    $(awk '/MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)"
    echo "kernel    $(uname -r), $(. /etc/os-release && echo "$PRETTY_NAME")"
    echo "disk      $(synced_write) µs for a synced write of 4 KiB"
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
  start_vault "$1"
  stop_vault "$1"
  if (($1 > 0)); then "$program" fill --directory "$directory" --cards "$1" 2>/dev/null; fi
  if (($1 == 0)); then cp -a "$directory/store" "$directory.empty"; fi
}

# restore_store CARDS: the empty store is empty again; the others grow by what is measured.
restore_store() {
  if (($1 > 0)); then return; fi
  rm -rf "$scratch/vault-0/store"
  cp -a "$scratch/vault-0.empty" "$scratch/vault-0/store"
}

declare -A up_pid=() vault=() vault_pid=() acquirer_pid=()

# start_vault CARDS: starts the installation of so many cards, and notes where it is in the arrays
# above.
start_vault() {
  local line=$scratch/vault-$1.line
  : >"$line"
  "$program" up --directory "$scratch/vault-$1" >"$line" 2>"$scratch/up.log" &
  up_pid[$1]=$!
  children+=("$!")
  until [[ $(<"$line") == {*} ]]; do
    kill -0 "${up_pid[$1]}" 2>/dev/null || { cat "$scratch/up.log" "$line" >&2; return 1; }
    sleep 0.05
  done
  vault[$1]=$(member vault <"$line")
  vault_pid[$1]=$(member vault_pid <"$line")
  acquirer_pid[$1]=$(member acquirer_pid <"$line")
}

stop_vault() { stop_child "${up_pid[$1]}"; }

# settle_vault CARDS: until it has looked at its whole store once, as it does after a start: minutes for a large
# one, in which it costs processors, and a new card has to ask its neighbours in the index.
settle_vault() {
  until "$cadenas" metrics --config "$scratch/vault-$1/cadenas.yaml" |
    grep -q '^cadenas_store_check_end_seconds [1-9]'; do
    sleep 1
  done
}

# measure_vault CARDS OPERATION CONNECTIONS [OPTION…]: one line of JSON; fails where an answer was
# wrong.
measure_vault() {
  local cards=$1 operation=$2 count=$3
  shift 3
  "$program" bench --vault "${vault[$cards]}" --pki "$scratch/vault-$cards/pki" \
    --operation "$operation" --connections "$count" --seconds "$seconds" --filled "$cards" \
    --process "${vault_pid[$cards]}" --process "${acquirer_pid[$cards]}" --format json "$@"
}

# note_memory CARDS: the vault's own memory, beside the page cache.
note_memory() {
  local kib
  kib=$(awk '/^RssAnon/ { print $2 }' "/proc/${vault_pid[$1]}/status")
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
