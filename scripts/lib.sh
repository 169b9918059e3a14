# Shared by the scripts of this folder; sourced, not run.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What a build needs, what the tests need, and what the further checks need. "a|b": either will do; the first is installed.
packages_run=(gcc libc6-dev cmake ninja-build 'pkgconf|pkg-config' libevent-dev libc-ares-dev libconfig-dev libjansson-dev
	zlib1g-dev libcurl4-openssl-dev libldns-dev libssl-dev libpcre2-dev libbrotli-dev libyaml-dev libcrypt-dev libseccomp-dev
	libmaxminddb-dev libcap2-bin iproute2)
packages_test=(libcriterion-dev openssl python3 python3-pytest python3-pytest-timeout python3-prometheus-client python3-jsonschema
	clang-format
	binutils iputils-ping util-linux procps nftables
	libmaxmind-db-writer-perl)
# Servers of others, for tests/peers. They are started by the tests, on loopback; never as services. And programs that do
# the same as ours, for tests/net. Ubuntu's docker-compose needs python3-setuptools, and does not say so.
packages_peers=(prometheus influxdb victoria-metrics prometheus-blackbox-exporter nginx knot unbound traceroute mtr-tiny
	scamper python3-librouteros prometheus-alertmanager python3-yaml yamllint haproxy docker-compose jsonnet
	python3-setuptools)
# What tests/peers/npm needs, unless there is an npm already.
packages_npm=(nodejs npm)
packages_matrix=(clang llvm valgrind)
packages_coverage=(gcovr)
packages_fuzz=(clang llvm)

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# As root, with sudo only where that is needed.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		say "this needs root and there is no sudo: $*" >&2
		return 1
	fi
}

package_is_installed() {
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Prints those of the given packages that are missing.
packages_missing() {
	local wanted alternative
	for wanted in "$@"; do
		for alternative in ${wanted//|/ }; do
			package_is_installed "$alternative" && continue 2
		done
		say "${wanted%%|*}"
	done
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# Installs what is missing of the given packages. The package lists are fetched only when installing without that fails.
install_missing() {
	local missing
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		say "not a Debian or Ubuntu: please see to it yourself that these are there: $*"
		return 0
	fi
	mapfile -t missing < <(packages_missing "$@")
	[ ${#missing[@]} = 0 ] && return 0
	say "installing: ${missing[*]}"
	apt_install "${missing[@]}" >/dev/null 2>&1 && return 0
	as_root apt-get update -q || say "apt-get update failed; trying with the lists that are there"
	apt_install "${missing[@]}" || die "could not install: ${missing[*]}"
}

# Installs servers without letting their packages start them, now or at the next boot.
install_peers() {
	local missing policy=/usr/sbin/policy-rc.d ours=no package
	command -v dpkg-query >/dev/null || return 0
	mapfile -t missing < <(packages_missing "$@")
	[ ${#missing[@]} = 0 ] && return 0
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
		as_root chmod 755 "$policy"
		ours=yes
	fi
	(install_missing "$@")
	local status=$?
	[ $ours = yes ] && as_root rm -f "$policy"
	if [ -d /run/systemd/system ]; then
		for package in "${missing[@]}"; do
			as_root systemctl disable --quiet "$package" 2>/dev/null
		done
	fi
	return $status
}

# A build folder that was made for another place on disk is of no use to CMake.
forget_moved_build() {
	local cache=$1/CMakeCache.txt home
	[ -e "$cache" ] || return 0
	home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$cache")
	[ "$home" = "$top" ] || rm -rf "$1"
}

# configure PRESET FOLDER [-DNAME=VALUE ...]; shows what CMake says only when it fails.
configure() {
	local preset=$1 folder=$2 output
	shift 2
	forget_moved_build "$folder"
	output=$(cmake -S "$top" --preset "$preset" -B "$folder" "$@" 2>&1) && return 0
	printf '%s\n' "$output" >&2
	die "cmake could not configure $folder"
}
