# Sourced by deploy/bench: what an operator waits for, by the number of cards. The machine has to be
# idle otherwise; a fsync or a core that somebody else uses is in the figures.

# task NAME COMMAND…: runs it, and notes how long it took.
task() {
  local name=$1 began ended
  shift
  began=$(date +%s%N)
  "$@" >"$scratch/task.log" 2>&1 || { cat "$scratch/task.log" >&2; return 1; }
  ended=$(date +%s%N)
  echo "{\"task\":\"$name\",\"store\":$cards,\"round\":$round,\"milliseconds\":$(((ended - began) / 1000000)),\"load\":\"$(cut -d' ' -f1 /proc/loadavg)\"}" |
    tee -a "$results/results.jsonl"
}

# listen_port: where the vault of $directory listens.
listen_port() { sed -nE 's/^listen: .*:([0-9]+)$/\1/p' "$directory/cadenas.yaml"; }

# serve: starts the vault alone, and returns when it listens.
serve() {
  local listen
  # Not where the lines below would wait for it.
  "$cadenas" serve --config "$directory/cadenas.yaml" >"$scratch/serve.log" 2>&1 &
  serve_pid=$!
  children+=("$serve_pid")
  listen=$(listen_port)
  until (exec 3<>"/dev/tcp/127.0.0.1/$listen") 2>/dev/null; do
    kill -0 "$serve_pid" || { cat "$scratch/serve.log" >&2; return 1; }
    sleep 0.005
  done
}

stop_serving() { stop_child "$serve_pid"; }

# kill_serving: what a power failure leaves behind, less what only a disk can lose.
kill_serving() { stop_child "$serve_pid" KILL; }

# add_cards: new cards for twenty seconds, which are not in the index's file yet.
add_cards() {
  "$program" bench --vault "127.0.0.1:$(listen_port)" --pki "$directory/pki" --operation tokenize-new \
    --connections 64 --seconds 20 | sed -n 's/^requests/new cards/p'
}

run() { "$cadenas" "$@" --config "$directory/cadenas.yaml"; }

measure_upkeep() {
  directory=$scratch/vault-0
  start_vault 0
  stop_vault 0
  for cards in $stores; do
    echo "load average $(cut -d' ' -f1-3 /proc/loadavg), $(synced_write) µs for a synced write" |
      tee -a "$results/machine.txt"
    "$program" fill --directory "$directory" --cards "$cards"
    for ((round = 1; round <= rounds; round++)); do
      task "start, clean" serve
      run keys rotate data >/dev/null
      task "keys reencrypt, idle" run keys reencrypt
      task "store backup" run store backup --to "$scratch/backup.mdb"
      rm "$scratch/backup.mdb"
      task "stop" stop_serving
      task "audit verify" run audit verify
      task "store verify" run store verify
      rm "$directory"/store/index.mdb*
      task "start, index rebuilt" serve
      add_cards
      task "stop, index behind" stop_serving
      serve
      add_cards
      kill_serving
      task "start, index behind" serve
      stop_serving
    done
    du -sm "$directory"/store/*.mdb
  done
}
