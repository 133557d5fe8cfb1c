# Sourced by deploy/bench: payments on connections to the acquirer that are kept, and on fresh ones, on
# loopback and with a relay that holds every chunk for 10 ms in each direction. Needs bench-parts.sh.

ways="kept fresh kept-far fresh-far"
declare -A relay_pid=()

# prepare_way WAY: an installation that reaches the acquirer in that way.
prepare_way() {
  start_vault "$1"
  stop_vault "$1"
  if [[ $1 == fresh* ]]; then
    echo "limits: {acquirer_connections_kept: 0}" >>"$scratch/vault-$1/cadenas.yaml"
  fi
}

# start_way WAY
start_way() {
  local configuration=$scratch/vault-$1/cadenas.yaml line=$scratch/relay-$1.line acquirer
  start_vault "$1"
  if [[ $1 != *-far ]]; then return; fi
  acquirer=$(member acquirer <"$scratch/vault-$1.line")
  : >"$line"
  "$program" relay --to "$acquirer" --hold 10 >"$line" &
  relay_pid[$1]=$!
  children+=("$!")
  until [[ $(<"$line") == {* ]]; do sleep 0.05; done
  sed -i "s|url: $acquirer|url: $(member relay <"$line")|" "$configuration"
  kill -s HUP "${vault_pid[$1]}"
  until "$cadenas" status --config "$configuration" --format json | grep -q '"policy_generation":2'; do
    sleep 0.1
  done
}

stop_way() {
  stop_vault "$1"
  if [[ -n ${relay_pid[$1]:-} ]]; then stop_child "${relay_pid[$1]}"; fi
}

# measure_way WAY CONNECTIONS: the processor time is the vault's alone.
measure_way() {
  "$program" bench --vault "${vault[$1]}" --pki "$scratch/vault-$1/pki" --operation push \
    --connections "$2" --seconds "$seconds" --prepare 1000 --process "${vault_pid[$1]}" --format json
}

# middle: the middle one of the numbers in the lines, the least and the greatest.
middle() { sort -n | awk '{ v[NR] = $1 } END { printf "%s (%s–%s)", v[int((NR + 1) / 2)], v[1], v[NR] }'; }

# tell_ways: medians over the rounds.
tell_ways() {
  local way count lines
  echo "| way | connections | payments/s | p50 ms | p99 ms | vault's processor time of one, µs |"
  echo "|---|---|---|---|---|---|"
  for way in $ways; do
    for count in $connections; do
      lines=$(grep "\"subject\":\"$way\",.*\"connections\":$count," "$results/results.jsonl")
      echo "| $way | $count | $(member per_second <<<"$lines" | middle)" \
        "| $(member p50_us <<<"$lines" | awk '{ printf "%.1f\n", $1 / 1000 }' | middle)" \
        "| $(member p99_us <<<"$lines" | awk '{ printf "%.1f\n", $1 / 1000 }' | middle)" \
        "| $(paste <(member server_millis <<<"$lines") <(member per_second <<<"$lines") |
          awk '{ printf "%.0f\n", $1 * 1000 / $2 }' | middle) |"
    done
  done
}

measure_acquirers() {
  local way count
  for way in $ways; do prepare_way "$way"; done
  for ((round = 1; round <= rounds; round++)); do
    for way in $ways; do start_way "$way"; done
    for count in $connections; do
      echo "round $round of $rounds: load average $(cut -d' ' -f1-3 /proc/loadavg)," \
        "$(synced_write) µs for a synced write" | tee -a "$results/machine.txt"
      for way in $ways; do measure_way "$way" "$count" | note "$way" 0; done
    done
    for way in $ways; do stop_way "$way"; done
  done
  tell_ways | tee "$results/tables.txt"
}
