// Azurite's own blob and queue servers in one process that ends with its parent: standard input is a pipe that the parent
// holds open, and the system closes it however the parent ends.
// Arguments: the data folder. First line of output: {"blob":"http://127.0.0.1:PORT","queue":"http://127.0.0.1:PORT"}.
"use strict";
const fs = require("fs");
const path = require("path");
const modules = process.env.AZURITE_MODULES;
const azurite = name => require(path.join(modules, "azurite/dist/src", name));
const Loki = require(path.join(modules, "lokijs"));

const folder = process.argv[1];
const pidFile = path.join(folder, "azurite.pid");
fs.writeFileSync(pidFile, String(process.pid));

// Ctrl-C reaches the whole process group, but the parent still has work to store.
process.on("SIGINT", () => { });
process.on("SIGHUP", () => { });
// Once the parent is gone, nobody reads.
process.stdout.on("error", () => { });
process.stderr.on("error", () => { });

// Azurite saves its indexes every five seconds, each by itself. Ours are saved within a fraction of a second, all from the same
// moment and the extents before what refers to them, so that a kill leaves an index that is at most slightly old, never torn.
// A save takes longer as the indexes grow; the pause grows with it, so that saving never takes more than a tenth of the time.
const databases = [];
Loki.prototype.autosaveEnable = function () {
  this.autosave = true;
  databases.push(this);
};
let saving = Promise.resolve();
function save() {
  return saving = saving.then(async () => {
    const images = databases.filter(database => database.autosaveDirty()).map(database => {
      database.autosaveClearFlags();
      return { file: database.filename, text: database.serialize(), order: database.filename.includes("extent") ? 0 : 1 };
    });
    for (const { file, text } of images.sort((a, b) => a.order - b.order)) {
      await fs.promises.writeFile(file + "~", text);
      await fs.promises.rename(file + "~", file);
    }
  });
}
async function keepSaving() {
  const start = Date.now();
  await save();
  setTimeout(keepSaving, Math.max(200, 9 * (Date.now() - start)));
}

function create(kind, Kind, constants) {
  const Configuration = azurite(`${kind}/${Kind}Configuration`).default;
  const Server = azurite(`${kind}/${Kind}Server`).default;
  const extents = constants[`DEFAULT_${Kind.toUpperCase()}_PERSISTENCE_ARRAY`]
    .map(place => ({ ...place, locationPath: path.join(folder, `__${kind}storage__`) }));
  return new Server(new Configuration(
    "127.0.0.1", 0, undefined,
    path.join(folder, `__azurite_db_${kind}__.json`), path.join(folder, `__azurite_db_${kind}_extent__.json`), extents,
    /* access log */ false, undefined, /* debug log */ false, undefined, /* loose */ false, /* skip API version check */ true));
}

async function stop(servers) {
  for (const server of servers) {
    server.httpServer.close();
    server.httpServer.closeAllConnections();
  }
  await save();
  fs.rmSync(pidFile, { force: true });
  process.exit(0);
}

async function main() {
  const servers = [create("blob", "Blob", azurite("blob/utils/constants")), create("queue", "Queue", azurite("queue/utils/constants"))];
  let stopping;
  const stopOnce = () => stopping ??= stop(servers);
  process.on("SIGTERM", stopOnce);
  process.stdin.on("end", stopOnce).on("error", stopOnce).resume();
  for (const server of servers) await server.start();
  keepSaving();
  console.log(JSON.stringify({ blob: servers[0].getHttpServerAddress(), queue: servers[1].getHttpServerAddress() }));
}

main().catch(error => {
  console.error(error.message);
  process.exit(1);
});
