// Takes the pictures of docs/images: fills a collector with calls, runs every query of every dashboard against
// PostgreSQL and Prometheus, draws the dashboards from the answers and photographs them with Chromium.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
const pictures = join('test', 'dist', 'integration', 'dashboards', 'pictures.js');
const child = spawn(process.execPath, [mocha, pictures], { cwd: root, stdio: 'inherit' });
child.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
