#!/usr/bin/env bash
# Sets up the client on a Raspberry Pi with a 64-bit system: package in /opt/ademan, service that starts with the machine.
# Run it again to bring a newer version; what you wrote into /etc/ademan/client.env stays.
set -euo pipefail
umask 022  # the service, which runs as nobody in particular, must be able to read what root installs

readonly prefix=/opt/ademan
readonly settings=/etc/ademan/client.env
readonly unit=/etc/systemd/system/ademan-client.service

usage() {
    cat <<'EOF'
sudo deploy/install-pi.sh [--server URL] [--camera SOURCE] [--networks FOLDER] [--dry-run]

  --server URL       the server, such as https://gestures.example.org; written into a new /etc/ademan/client.env
  --camera SOURCE    number of the camera, or /dev/video0; 0 by default; the same
  --networks FOLDER  where the networks that find hands lie already (.tflite), or their package; else they are fetched
  --dry-run          say what would be done, and do nothing
EOF
}

fail() {
    printf 'install-pi: %s\n' "$1" >&2
    exit 1
}

run() {
    printf '+ %s\n' "$*"
    if [ "$dry_run" = no ]; then "$@"; fi
}

read_arguments() {
    server=http://127.0.0.1:8000 camera=0 networks="" dry_run=no
    while [ $# -gt 0 ]; do
        case $1 in
            --server | --camera | --networks)
                [ $# -gt 1 ] || fail "$1 needs a value; see --help."
                printf -v "${1#--}" %s "$2"
                shift
                ;;
            --dry-run) dry_run=yes ;;
            -h | --help) usage && exit ;;
            *) fail "there is no option $1; see --help." ;;
        esac
        shift
    done
    case $server in
        http://?* | https://?*) ;;
        *) fail "--server $server: expected http://HOST:PORT or https://HOST." ;;
    esac
}

check_machine() {
    source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    readonly source
    [ -f "$source/pyproject.toml" ] || fail "$source has no pyproject.toml: run this from a clone, or an unpacked release."
    [ "$dry_run" = yes ] || [ "$(id -u)" = 0 ] || fail "it writes into /opt and /etc: run it with sudo."
    command -v python3 >/dev/null || fail "there is no python3:  sudo apt-get install python3-venv"
    # A 64-bit kernel may run 32-bit programs, for which there are no ready-made packages: ask Python itself.
    local found
    found=$(python3 -c 'import struct, sys; print(struct.calcsize("P") * 8, int(sys.version_info >= (3, 11)), sys.version.split()[0])')
    case $found in
        "64 1 "*) ;;
        "64 0 "*) fail "Ademan needs Python 3.11 or newer; this is ${found##* }. Raspberry Pi OS has it since 'bookworm'." ;;
        *) fail "this system is a 32-bit one; install the 64-bit Raspberry Pi OS." ;;
    esac
}

install_package() {
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        run apt-get install --yes --no-install-recommends python3-venv
    fi
    [ -x "$prefix/bin/python" ] || run python3 -m venv "$prefix"
    # The same version number may stand for newer code, so the package itself is always put in anew.
    run "$prefix/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
        --constraint "$source/constraints.txt" "$source"
    run "$prefix/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$source"
}

install_networks() {
    local listed=""
    if [ -x "$prefix/bin/ademan" ]; then
        listed=$(ADEMAN_MODELS=$prefix/networks "$prefix/bin/ademan" models list --json)
    fi
    case $listed in
        "" | *'"missing"'* | *'"damaged"'*) ;;
        *) return ;;
    esac
    if [ -n "$networks" ]; then
        run env ADEMAN_MODELS=$prefix/networks "$prefix/bin/ademan" models fetch --from "$networks"
    else
        run env ADEMAN_MODELS=$prefix/networks "$prefix/bin/ademan" models fetch
    fi
}

write_settings() {
    if [ -e "$settings" ]; then
        printf '%s stays as it is.\n' "$settings"
        return
    fi
    run install -d -m 0755 /etc/ademan
    run install -m 0600 /dev/null "$settings"
    if [ "$dry_run" = yes ]; then return; fi
    cat >"$settings" <<EOF
ADEMAN_SERVER=$server
ADEMAN_CAMERA=$camera
# The key that the server asks for.
#ADEMAN_API_KEY=
# More flags, such as:  --mqtt broker.local
#ADEMAN_OPTIONS=
EOF
}

install_service() {
    run install -m 0644 "$source/deploy/ademan-client.service" "$unit"
    if [ "$dry_run" = no ] && [ ! -d /run/systemd/system ]; then
        printf 'systemd does not run here: the service is installed, and not started.\n'
        return
    fi
    run systemctl daemon-reload
    run systemctl enable ademan-client.service
    run systemctl restart ademan-client.service
}

main() {
    read_arguments "$@"
    check_machine
    install_package
    install_networks
    write_settings
    install_service
    printf 'Done. Server and key are in %s; what it says:  journalctl -u ademan-client -f\n' "$settings"
}

main "$@"
