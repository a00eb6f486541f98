// Writes how many tests passed and failed to the file that stack/test.mjs named in the environment, and prints the slowest files.
const { writeFileSync } = require('node:fs');
const path = require('node:path');

const slowest = 10;
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

function slowestFiles(testResults) {
  const timed = testResults.map(({ testFilePath, perfStats: { start, end } }) => [
    end - start,
    path.relative(process.cwd(), testFilePath),
  ]);
  const total = timed.reduce((sum, [ms]) => sum + ms, 0);
  const lines = timed.toSorted(([a], [b]) => b - a).slice(0, slowest);
  return [
    `${timed.length} files took ${seconds(total)} one after another; the slowest:`,
    ...lines.map(([ms, file]) => `  ${seconds(ms)} ${file}`),
  ].join('\n');
}

class Counts {
  onRunComplete(_contexts, results) {
    if (results.testResults.length > slowest) process.stderr.write(`${slowestFiles(results.testResults)}\n`);
    const file = process.env.STACK_TEST_COUNTS;
    if (!file) return;
    // A file that cannot be loaded has no tests to count: it counts as one that failed.
    const unloaded = results.testResults.filter(
      (result) => result.testExecError && result.numFailingTests === 0,
    ).length;
    const counts = { passed: results.numPassedTests, failed: results.numFailedTests + unloaded };
    writeFileSync(file, JSON.stringify(counts));
  }
}

module.exports = Counts;
