#!/usr/bin/env bash
# need.sh WHAT=PACKAGE ...: install the Debian package where WHAT is missing. WHAT is a command, `python3-venv`,
# or font:FILE. Without root it says in a clear word what to install.
set -euo pipefail

have() {
  case "$1" in
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    font:*) compgen -G "/usr/share/fonts/*/*/${1#font:}*" >/dev/null || fc-list 2>/dev/null | grep -q "${1#font:}" ;;
    postgres) command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing=()
for pair in "$@"; do
  have "${pair%%=*}" || missing+=("${pair#*=}")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # A database server that the package would start is not wanted: the tests start their own.
  mkdir -p /etc/postgresql-common && grep -qs create_main_cluster /etc/postgresql-common/createcluster.conf ||
    echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "Please install first: ${missing[*]}   (Debian or Ubuntu: sudo apt-get install ${missing[*]})" >&2
  [ "${CI:-}" = true ] && exit 1
fi
