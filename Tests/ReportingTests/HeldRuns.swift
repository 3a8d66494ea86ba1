import Analysis
import Runs
import TinyRun

@testable import Reporting

// Reports of samples that stand in no journal: nothing of them can fail to be read.

extension ReportPage {
  init(
    manifest: RunManifest, samples: [Sample], isRedacted: Bool, labels: [RunLabel] = []
  ) {
    try! self.init(
      StoredRun(manifest, holding: samples), isRedacted: isRedacted, labels: labels)
  }
}

extension MarkdownReport {
  init(manifest: RunManifest, samples: [Sample], isRedacted: Bool = false) {
    try! self.init(StoredRun(manifest, holding: samples), isRedacted: isRedacted)
  }
}

extension HTMLReport {
  init(manifest: RunManifest, samples: [Sample], isRedacted: Bool = false) {
    try! self.init(StoredRun(manifest, holding: samples), isRedacted: isRedacted)
  }
}

extension GateSubject {
  init(summary: Summary, samples: [Sample]?, manifest: RunManifest?) {
    self.init(
      summary: summary, manifest: manifest,
      outcomes: samples.flatMap { samples in
        manifest.map { SampleOutcomes(holding: samples, of: $0.plan) }
      })
  }
}
