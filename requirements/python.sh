#!/bin/sh
# Prints the interpreter that the environment is made with: the first of $PYTHON and the usual names
# that runs, is a supported version and can make virtual environments. Each is tried by running it:
# a version manager's shim may stand on the PATH for a Python that is not installed.
set -u

usable='
import sys
if not (3, 11) <= sys.version_info[:2] < (3, 14):
    sys.exit("is Python %d.%d" % sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError:
    sys.exit("cannot make virtual environments (on Debian: apt install python%d.%d-venv)" % sys.version_info[:2])
'
found=""
for candidate in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3 python; do
    path=$(command -v "$candidate") || continue
    if reason=$("$path" -c "$usable" 2>&1); then
        echo "$path"
        exit 0
    fi
    found="$found
  $path: $(echo "$reason" | sed '/./!d' | head -n 1)"
done
cat >&2 <<MESSAGE
setup: Dropforge needs Python 3.11, 3.12 or 3.13 with the venv module, and found none.
Tried:${found:-
  nothing named python3.13, python3.12, python3.11, python3 or python is on the PATH}
Nothing was changed. Install one, or name it: make setup PYTHON=/path/to/python3.13
MESSAGE
exit 1
