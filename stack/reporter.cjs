// Tells stack/test.mjs how many tests passed and failed, through the file named in the environment.
const { writeFileSync } = require('node:fs');

class Counts {
  onRunComplete(_contexts, results) {
    const file = process.env.STACK_TEST_COUNTS;
    if (!file) return;
    // A file that cannot be loaded has no tests to count: it counts as one that failed.
    const unloaded = results.testResults.filter((result) => result.testExecError && result.numFailingTests === 0).length;
    const counts = { passed: results.numPassedTests, failed: results.numFailedTests + unloaded };
    writeFileSync(file, JSON.stringify(counts));
  }
}

module.exports = Counts;
