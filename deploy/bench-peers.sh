# Sourced by deploy/bench: the vault's peers. Each has install, prepare, start (sets its
# ${peer_pid[NAME]}) and measure CONNECTIONS, which prints one line of JSON. All speak TLS 1.3 with the development
# certificates, and ask the client for one.

declare -A peer_pid=()

# The certificates of any of the vaults: $material.
choose_material() {
  local first
  read -r first _ <<<"$stores"
  material=$scratch/vault-$first/pki
}

# timed COMMAND…: runs it, and sets $client_millis to the processors that it used, in thousandths.
timed() {
  local TIMEFORMAT='%U %S %R' user system real
  { time "$@" >"$scratch/output" 2>"$scratch/errors"; } 2>"$scratch/time"
  read -r user system real <"$scratch/time"
  client_millis=$(awk -v u="$user" -v s="$system" -v r="$real" \
    'BEGIN { printf "%d", 1000 * (u + s) / r }')
}

# bound: whether a client of one thread held the measurement up.
bound() { ((client_millis > 900)) && echo true || echo false; }

# --- Redis: SET of a value of 200 bytes, each durable before its answer. Client: redis-benchmark,
# one thread of C, which costs less than ours.

install_redis() { need redis-server; }

prepare_redis() {
  choose_material
  declare -gA redis_rate=()
}

start_redis() {
  local directory=$scratch/redis
  rm -rf "$directory"
  mkdir "$directory"
  redis_port=$(free_port)
  redis-server --port 0 --bind 127.0.0.1 --tls-port "$redis_port" --dir "$directory" \
    --tls-cert-file "$material/vault.pem" --tls-key-file "$material/vault.key" \
    --tls-ca-cert-file "$material/ca.pem" --tls-auth-clients yes --tls-protocols TLSv1.3 \
    --maxclients 5000 --appendonly yes --appendfsync always --save "" \
    --auto-aof-rewrite-percentage 0 >"$scratch/redis.log" &
  peer_pid[redis]=$!
  children+=("$!")
  wait_for_port "$redis_port"
}

redis_set() {
  redis-benchmark -h 127.0.0.1 -p "$redis_port" --tls --cert "$material/shop.pem" \
    --key "$material/shop.key" --cacert "$material/ca.pem" \
    -c "$1" -t set -d 200 -r 1000000000 -n "$2" --csv
}

measure_redis() {
  local count=$1 name rate average least p50 p95 p99 most requests
  # As many requests as take about as long as the vault was measured.
  requests=$((${redis_rate[$count]:-0} * seconds))
  if ((requests == 0)); then
    redis_set "$count" $((1000 + 100 * count)) >"$scratch/output"
    IFS=, read -r name rate _ < <(tail -1 "$scratch/output" | tr -d '"')
    requests=$(awk -v r="$rate" -v s="$seconds" 'BEGIN { printf "%d", r * s + 1 }')
  fi
  timed redis_set "$count" "$requests"
  IFS=, read -r name rate average least p50 p95 p99 most < <(tail -1 "$scratch/output" | tr -d '"')
  awk -v c="$count" -v n="$requests" -v r="$rate" -v p50="$p50" -v p99="$p99" -v m="$most" \
    -v client="$client_millis" -v bound="$(bound)" 'BEGIN {
      printf "{\"operation\":\"set\",\"connections\":%d,\"requests\":%d,\"per_second\":%d,", c, n, r
      printf "\"p50_us\":%d,\"p99_us\":%d,\"max_us\":%d,", p50 * 1e3, p99 * 1e3, m * 1e3
      printf "\"client_millis\":%d,\"client_is_bottleneck\":%s}\n", client, bound
    }'
}

# --- PostgreSQL with pgcrypto: the vault's work as one function call, one transaction: a keyed digest
# that is unique, the card encrypted, an audit row. Client: pgbench, prepared statements.

install_postgresql() { need postgresql-15; }

prepare_postgresql() {
  local directory=$scratch/postgresql bin=/usr/lib/postgresql/15/bin
  choose_material
  as_database=()
  mkdir "$directory"
  cp "$material/vault.pem" "$material/vault.key" "$material/ca.pem" "$directory"
  if ((EUID == 0)); then
    as_database=(setpriv --reuid postgres --regid postgres --clear-groups)
    chown -R postgres:postgres "$directory"
  fi
  chmod 600 "$directory/vault.key"
  "${as_database[@]}" "$bin/initdb" -D "$directory/data" -U bench -A trust >/dev/null
  "${as_database[@]}" tee -a "$directory/data/postgresql.conf" >/dev/null <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 400
shared_buffers = 256MB
# No work behind the back of who is being measured.
autovacuum = off
checkpoint_timeout = 1h
max_wal_size = 8GB
ssl = on
ssl_cert_file = '$directory/vault.pem'
ssl_key_file = '$directory/vault.key'
ssl_ca_file = '$directory/ca.pem'
ssl_min_protocol_version = 'TLSv1.3'
CONF
  "${as_database[@]}" tee "$directory/data/pg_hba.conf" >/dev/null \
    <<<"hostssl all bench 127.0.0.1/32 trust clientcert=verify-ca"
  # Its clients want their key for themselves too.
  export PGHOST=127.0.0.1 PGUSER=bench PGDATABASE=postgres PGSSLMODE=verify-ca
  export PGSSLROOTCERT=$material/ca.pem PGSSLCERT=$material/shop.pem PGSSLKEY=$material/shop.key
  echo "\\set n random(0, 999999999)
SELECT tokenize('497010' || lpad((:n)::text, 10, '0'));" >"$scratch/tokenize.sql"
  start_postgresql
  psql -q -v ON_ERROR_STOP=1 -f "$here/bench-postgresql.sql"
  stop_child "${peer_pid[postgresql]}"
}

start_postgresql() {
  PGPORT=$(free_port)
  export PGPORT
  "${as_database[@]}" /usr/lib/postgresql/15/bin/postgres -D "$scratch/postgresql/data" \
    -p "$PGPORT" >>"$scratch/postgresql.log" 2>&1 &
  peer_pid[postgresql]=$!
  children+=("$!")
  for _ in {1..200}; do
    if psql -qc 'SELECT 1' >/dev/null 2>&1; then break; fi
    sleep 0.1
  done
  # Empty at each start, as the other peers.
  psql -qc 'TRUNCATE cards, audit' -c CHECKPOINT 2>/dev/null || true
}

postgresql_insert() {
  (cd "$scratch/log" && exec /usr/lib/postgresql/15/bin/pgbench -n -M prepared -f ../tokenize.sql \
    -c "$1" -j 1 -T "$2" -l)
}

measure_postgresql() {
  local count=$1 rate
  rm -rf "$scratch/log"
  mkdir "$scratch/log"
  postgresql_insert "$count" 1 >/dev/null 2>&1
  rm "$scratch"/log/*
  timed postgresql_insert "$count" "$seconds"
  rate=$(sed -nE 's/^tps = ([0-9]+).*/\1/p' "$scratch/output")
  cat "$scratch"/log/* | awk '{ print $3 }' | sort -n | awk -v c="$count" -v r="$rate" \
    -v client="$client_millis" -v bound="$(bound)" '{ a[NR] = $1 } END {
      printf "{\"operation\":\"insert\",\"connections\":%d,\"requests\":%d,", c, NR
      printf "\"per_second\":%d,\"p50_us\":%d,", r, a[int((NR + 1) / 2)]
      printf "\"p99_us\":%d,\"max_us\":%d,", a[int(NR * 0.99) + (NR < 100)], a[NR]
      printf "\"client_millis\":%d,\"client_is_bottleneck\":%s}\n", client, bound
    }'
}

# --- nginx: a fixed body of the size of a token view. Client: ours, with the vault's own request.

install_nginx() { need nginx-core; }

prepare_nginx() {
  local directory=$scratch/nginx
  choose_material
  mkdir -p "$directory/temporary"
  cat >"$directory/nginx.conf.in" <<CONF
daemon off;
worker_processes auto;
worker_rlimit_nofile 8192;
pid $directory/nginx.pid;
error_log $directory/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path $directory/temporary;
  keepalive_requests 1000000000;
  server {
    listen 127.0.0.1:PORT ssl;
    ssl_certificate $material/vault.pem;
    ssl_certificate_key $material/vault.key;
    ssl_client_certificate $material/ca.pem;
    ssl_verify_client on;
    ssl_protocols TLSv1.3;
    default_type application/json;
    location / {
      return 200 '{"token":"tok_01kax3zv5ye8bvkp2mszn9fqxw","brand":"visa","brands":["visa","cb"],"preferred_brand":null,"bin":"497010","last4":"8183","exp_month":12,"exp_year":2035,"created_at":"2026-11-23T18:43:25Z"}';
    }
  }
}
CONF
}

start_nginx() {
  nginx_port=$(free_port)
  sed "s/PORT/$nginx_port/" "$scratch/nginx/nginx.conf.in" >"$scratch/nginx/nginx.conf"
  nginx -p "$scratch/nginx" -c "$scratch/nginx/nginx.conf" 2>>"$scratch/nginx.log" &
  peer_pid[nginx]=$!
  children+=("$!")
  wait_for_port "$nginx_port"
}

measure_nginx() {
  local processes=() worker
  for worker in $(pgrep -P "${peer_pid[nginx]}"); do processes+=(--process "$worker"); done
  "$program" bench --vault "https://127.0.0.1:$nginx_port" --pki "$material" --operation fixed \
    --connections "$1" --seconds "$seconds" "${processes[@]}" --format json
}
