# What the scripts share. Sourced by bash.

# Colours only where a person looks at them.
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' plain=$'\e[0m'
else
  bold='' plain=''
fi

heading() { printf '\n%s== %s ==%s\n' "$bold" "$*" "$plain"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The comment at the top of a script is its help.
help_of() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$1"; }
