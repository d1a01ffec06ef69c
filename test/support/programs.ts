import { execFile } from 'node:child_process';
import { access, constants, mkdir } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Context } from 'mocha';

/** Programs of other projects that tests run, and that Debian ships. */
export type ProgramName = 'promtool' | 'prometheus' | 'prometheus-alertmanager' | 'amtool' | 'chromium';

interface DebianProgram {
  readonly package: string;
  /** The file to run, within the unpacked package. */
  readonly file: string;
  /** Besides the package, whatever the machine has of it: empty where the package works alone. */
  readonly companions: readonly string[];
}

const PROGRAMS: Readonly<Record<ProgramName, DebianProgram>> = {
  promtool: { package: 'prometheus', file: 'usr/bin/promtool', companions: [] },
  prometheus: { package: 'prometheus', file: 'usr/bin/prometheus', companions: [] },
  'prometheus-alertmanager': {
    package: 'prometheus-alertmanager',
    file: 'usr/bin/prometheus-alertmanager',
    companions: [],
  },
  amtool: { package: 'prometheus-alertmanager', file: 'usr/bin/amtool', companions: [] },
  chromium: { package: 'chromium', file: 'usr/lib/chromium/chromium', companions: ['chromium-common'] },
};

const ROOT = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
/** Beside the other downloads of a checkout, so that `npm ci` starts afresh and git never sees it. */
const CACHE = join(ROOT, 'node_modules', '.cache', 'programs');
const FETCH_MS = 240_000;
const run = promisify(execFile);

type Found = { readonly path: string } | { readonly missing: string };
const found = new Map<ProgramName, Promise<Found>>();

/** Path of a program: on PATH, else from Debian's package in this checkout's cache; null where neither is to be had. */
export async function program(name: ProgramName): Promise<string | null> {
  const answer = await find(name);
  return 'path' in answer ? answer.path : null;
}

/** Why `program` answered null; empty where it did not. */
export async function whyMissing(name: ProgramName): Promise<string> {
  const answer = await find(name);
  return 'missing' in answer ? answer.missing : '';
}

/** As `program`, for a hook or test: says why and leaves the test out where there is none. May take minutes once. */
export async function needProgram(context: Context, name: ProgramName): Promise<string> {
  const limit = context.timeout();
  context.timeout(FETCH_MS + 10_000);
  const answer = await find(name);
  context.timeout(limit);
  if ('path' in answer) return answer.path;
  console.log(`      left out: ${answer.missing}`);
  return context.skip();
}

async function find(name: ProgramName): Promise<Found> {
  let pending = found.get(name);
  if (pending === undefined) {
    pending = findOnce(name);
    found.set(name, pending);
  }
  return pending;
}

async function findOnce(name: ProgramName): Promise<Found> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder !== '' && (await isExecutable(join(folder, name)))) return { path: join(folder, name) };
  }
  return fetchProgram(name, CACHE);
}

/** Unpacks Debian's package of a program below `cache`, once, whoever asks first. */
export async function fetchProgram(name: ProgramName, cache: string): Promise<Found> {
  const { package: debian, file, companions } = PROGRAMS[name];
  const path = join(cache, 'bin', name);
  if (await isExecutable(path)) return { path };
  await mkdir(cache, { recursive: true });
  try {
    // flock, not a file of ours: the lock of a process that was killed goes with it.
    const script = ['-w', String(FETCH_MS / 1_000), join(cache, 'lock'), 'sh', '-euc', FETCH, 'sh'];
    await run('flock', [...script, name, debian, file, ...companions], {
      cwd: cache,
      timeout: FETCH_MS,
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    });
    return { path };
  } catch (fault) {
    const stderr = fault instanceof Error && 'stderr' in fault ? String(fault.stderr) : '';
    const reason = stderr.trim().split('\n').at(-1) || String(fault);
    return { missing: `${name} is not on PATH and Debian's ${debian} could not be fetched: ${reason}` };
  }
}

/**
 * Runs in the cache under its lock: name, package, file, companions. A package is complete once its folder has its
 * final name. With companions, what apt would install besides comes along, except what the machine has.
 */
const FETCH = `
name=$1 package=$2 file=$3
shift 3
[ -x "bin/$name" ] && exit 0
# Newer releases of Debian have promtool in a package of its own.
if apt-cache show "$name" >/dev/null 2>&1; then package=$name; fi
if [ ! -d "$package" ]; then
  rm -rf "$package.part"
  mkdir -p "$package.part/debs/partial" "$package.part/tree"
  apt-cache show "$package" >/dev/null 2>&1 || { [ "$(id -u)" = 0 ] && apt-get update -qq; }
  if [ $# -gt 0 ]; then
    apt-get install --reinstall --download-only -qq -y --no-install-recommends \\
      -o Dir::Cache::archives="$PWD/$package.part/debs" -o Debug::NoLocking=1 -o APT::Sandbox::User=root "$package" "$@"
  else
    (cd "$package.part/debs" && apt-get download -qq -o APT::Sandbox::User=root "$package")
  fi
  for deb in "$package.part"/debs/*.deb; do dpkg -x "$deb" "$package.part/tree"; done
  rm -rf "$package.part/debs"
  mv "$package.part" "$package"
fi
[ -x "$package/tree/$file" ] || { echo "$package has no $file" >&2; exit 1; }
mkdir -p bin
tree=$PWD/$package/tree
libraries=$(find "$tree/usr/lib" "$tree/lib" -name '*.so*' -exec dirname {} + 2>/dev/null | sort -u | paste -sd : -) || true
printf '#!/bin/sh\\nLD_LIBRARY_PATH="%s\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "%s" "$@"\\n' \\
  "$libraries" "$tree/$file" > "bin/$name.part"
chmod +x "bin/$name.part"
mv "bin/$name.part" "bin/$name"
`;

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
