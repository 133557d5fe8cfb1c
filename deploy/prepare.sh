# Sourced by the scripts beside it: goes to the repository's root and installs what is missing.
# Expects a Debian 12 with a Swift toolchain; everything else comes from here.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# What the build links (headers), and openssl(1) for the development certificates.
packages=(libssl-dev libsodium-dev liblmdb-dev libsqlite3-dev pkg-config openssl)

# need PACKAGE…: installs those of them that are not installed.
need() {
  local missing=() package
  for package in "$@"; do
    if [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]]; then
      missing+=("$package")
    fi
  done
  if ((${#missing[@]} == 0)); then return; fi

  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "not installed: ${missing[*]}; run as root, or: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}" >/dev/null
}

if ! command -v swift >/dev/null; then
  echo "swift is not in PATH: install a Swift 6.3 toolchain first" >&2
  exit 1
fi
need "${packages[@]}"

# The Python of the tests that read a vault's store from outside, with packages of fixed versions.
prepare_python() {
  local requirements=Tests/ProgramTests/Reader/requirements.txt
  if cmp -s "$requirements" .build-python/requirements.txt; then return; fi
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then need python3-venv; fi
  rm -rf .build-python
  python3 -m venv .build-python
  .build-python/bin/pip install --quiet --disable-pip-version-check -r "$requirements"
  cp "$requirements" .build-python/requirements.txt
}
# Of two runs in one clone, the second finds it made.
(flock --wait 900 9; prepare_python) 9>.build-python.lock

# promtool, which judges the metrics: out of Debian's package, and not installed with it, since that
# starts a service.
prepare_promtool() {
  local directory=.build-prometheus
  if [[ -x $directory/promtool ]]; then return; fi
  rm -rf "$directory.new"
  mkdir "$directory.new"
  if ! (cd "$directory.new" && apt-get download -qq prometheus 2>/dev/null); then
    local as_root=()
    if ((EUID != 0)); then as_root=(sudo); fi
    "${as_root[@]}" apt-get update -qq
    (cd "$directory.new" && apt-get download -qq prometheus)
  fi
  dpkg --fsys-tarfile "$directory.new"/prometheus_*.deb |
    tar -xO ./usr/bin/promtool >"$directory.new/promtool"
  rm "$directory.new"/prometheus_*.deb
  chmod 755 "$directory.new" "$directory.new/promtool"
  rm -rf "$directory"
  mv "$directory.new" "$directory"
}

# As root, an account without any capability runs the programs, here and in program tests, since that is
# what they are made for. What it may not write to is no place for its temporary files.
unprivileged=()
if ((EUID == 0)); then
  unprivileged=(setpriv --reuid nobody --regid "$(id -gn nobody)" --clear-groups --inh-caps=-all
    --bounding-set=-all --no-new-privs)
  if [[ -n "${TMPDIR:-}" ]] && ! "${unprivileged[@]}" test -w "$TMPDIR" -a -x "$TMPDIR"; then
    echo "TMPDIR: /tmp instead of $TMPDIR, where nobody may not write"
    unset TMPDIR
  fi
fi

# ordinary DIRECTORY COMMAND…: becomes a command that runs as that account, or as this user where this
# is not root. The account gets DIRECTORY, which is the only one that it may count on, as its home and
# for its temporary files.
ordinary() {
  local directory=$1
  shift
  if ((EUID == 0)); then chown nobody: "$directory"; fi
  exec env --chdir="$directory" HOME="$directory" TMPDIR="$directory" "${unprivileged[@]}" "$@"
}

# build_release: the three programs, in .build-release/release. Across modules, what NIO and its TLS are
# made of is generic: to have it specialized saves some 5 % of a request's processor time.
build_release() {
  local product
  CADENAS_COMMIT=$(git rev-parse --verify HEAD 2>/dev/null || true)
  if [[ -n "$CADENAS_COMMIT" && -n "$(git status --porcelain)" ]]; then CADENAS_COMMIT+=+; fi
  export CADENAS_COMMIT
  for product in cadenas cadenas-dev cadenas-page; do
    swift build -c release --scratch-path .build-release --product "$product" \
      -Xswiftc -cross-module-optimization
  done
}
