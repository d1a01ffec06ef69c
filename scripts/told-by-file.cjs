// A mocha reporter: says what another one says, and writes beside it what came of each file, as JSON.
//
//   mocha --reporter scripts/told-by-file.cjs --reporter-option base=NAME,told=FILE
//
// {"<file>": {"passing": 3, "pending": 0, "failing": 1, "seconds": 2.5}}; FILE is there once mocha has come to its end.
const { writeFileSync } = require('node:fs');
const { reporters, Runner } = require('mocha');

const {
  EVENT_RUN_END,
  EVENT_SUITE_BEGIN,
  EVENT_SUITE_END,
  EVENT_TEST_FAIL,
  EVENT_TEST_PASS,
  EVENT_TEST_PENDING,
} = Runner.constants;

module.exports = class ToldByFile {
  #files = {};
  #base;

  constructor(runner, options) {
    const { base, told } = options.reporterOption;
    this.#base = new reporters[base](runner, options);
    const counts = [
      [EVENT_TEST_PASS, 'passing'],
      [EVENT_TEST_PENDING, 'pending'],
      [EVENT_TEST_FAIL, 'failing'],
    ];
    for (const [event, name] of counts) runner.on(event, ({ file }) => (this.#of(file)[name] += 1));
    const began = new Map();
    runner.on(EVENT_SUITE_BEGIN, (suite) => began.set(suite, Date.now()));
    runner.on(EVENT_SUITE_END, (suite) => {
      if (suite.parent?.root) this.#of(suite.file).seconds += (Date.now() - began.get(suite)) / 1000;
    });
    runner.once(EVENT_RUN_END, () => writeFileSync(told, JSON.stringify(this.#files)));
  }

  done(failures, end) {
    if (this.#base.done) this.#base.done(failures, end);
    else end(failures);
  }

  #of(file) {
    return (this.#files[file] ??= { passing: 0, pending: 0, failing: 0, seconds: 0 });
  }
};
