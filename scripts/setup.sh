# shellcheck shell=bash
# What all scripts share: where the project is, how a step is said, and what has to be installed.
# Sourced, not run. Every function leaves alone what is there already.

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Colours only where somebody sees them (no-color.org).
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' yellow=$'\e[33m' plain=$'\e[0m'
else
  bold='' green='' red='' yellow='' plain=''
fi

say() { printf '%s\n' "$*"; }
fail() {
  printf '%s%s: %s%s\n' "$red" "$(basename "$0")" "$*" "$plain" >&2
  exit 1
}

# A heading, and sentences under it that fit in 80 columns.
heading() {
  printf '\n%s== %s ==%s\n' "$bold" "$1" "$plain"
  shift
  [ $# -eq 0 ] || printf '%s\n' "$@"
}

# install_packages PACKAGE... : those that are missing, with apt, as root or through sudo.
install_packages() {
  local package as_root=() missing=()
  for package in "$@"; do
    # The architecture counts where there are several; the field is "install ok installed" only when all is there.
    [ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! command -v apt-get >/dev/null; then
    fail "these Debian packages are missing, and there is no apt-get; install what matches them: ${missing[*]}"
  fi
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      fail "neither root nor sudo; as root run: apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing ${missing[*]}"
  # Once a run: a package list of a fresh image is empty or old.
  if [ -z "${apt_updated:-}" ]; then
    "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 -q=2 update || fail "apt-get update failed"
    apt_updated=yes
  fi
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
    -q=2 -o Dpkg::Use-Pty=0 install -y --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get install ${missing[*]} failed"
}

# True when version $1 is at least $2, both dotted numbers.
version_reaches() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]; }

# The compiler is not installed for anybody: rustup is a decision of its own.
check_rust() {
  local wanted found
  wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
  command -v cargo >/dev/null || [ ! -r "${CARGO_HOME:-$HOME/.cargo}/env" ] || . "${CARGO_HOME:-$HOME/.cargo}/env"
  command -v cargo >/dev/null || fail "there is no cargo; install Rust $wanted or newer from https://rustup.rs"
  found=$(rustc --version | cut -d ' ' -f 2)
  version_reaches "${found%%-*}" "$wanted" ||
    fail "rustc is $found, and $wanted or newer is needed (rustup update; Debian 12's own package is too old)"
}

# All that a build needs on a fresh Debian 12.
set_up_build() {
  # libvirt's headers are for the build, its library for the run; the linker is gcc's.
  install_packages gcc libc6-dev pkg-config libvirt-dev libvirt0
  check_rust
}

# RabbitMQ's programs, for tests that start one of their own (scripts/rabbitmq). Its service is not started.
install_rabbitmq() (
  policy=/usr/sbin/policy-rc.d
  if [ "$(id -u)" -eq 0 ] && [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  install_packages rabbitmq-server
)

# set_up_python DIRECTORY PACKAGE==VERSION... : a virtual environment under target/, kept between runs.
# False, and why on stdout, when it cannot be had.
set_up_python() {
  local directory=$1 stamp
  shift
  stamp="$directory/packages"
  [ ! -r "$stamp" ] || [ "$(cat "$stamp")" != "$*" ] || return 0
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    if ! (install_packages python3 python3-venv) >&2; then
      say "Python's venv module cannot be installed"
      return 1
    fi
  fi
  rm -rf "$directory"
  python3 -m venv "$directory" || { say "python3 -m venv failed"; return 1; }
  if ! "$directory/bin/pip" install --quiet --disable-pip-version-check --retries 1 --prefer-binary "$@" >&2; then
    say "pip could not install $* (is PyPI in reach?)"
    return 1
  fi
  printf '%s' "$*" >"$stamp"
}

# The Python programs that tests talk to, all in one environment; 77 when they cannot be had.
peers_packages=(ceilometer==27.0.0 statsd==4.0.1 opentelemetry-exporter-otlp-proto-http==1.45.2 'setuptools<81' \
  gnocchiclient==7.2.0 aodh==23.0.0)
set_up_peers() {
  local why
  peers_python=target/peers/bin/python
  why=$(set_up_python target/peers "${peers_packages[@]}") || { say "SKIPPED: $why"; exit 77; }
}

# Debian packages of programs that tests talk to; 77 when they cannot be had.
# Debian starts a service when it installs one, on a port that may be somebody's: policy-rc.d(5) says no meanwhile.
set_up_packages() {
  local policy=/usr/sbin/policy-rc.d ours='' status=0
  if [ "$(id -u)" -eq 0 ] && ! [ -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && ours=yes
  fi
  (install_packages "$@") || status=77
  [ -z "$ours" ] || rm -f "$policy"
  [ "$status" -eq 0 ] || { say "SKIPPED: $* cannot be installed"; exit 77; }
}
