import Foundation
import Scoring

let tables: [(name: String, make: () -> Void)] = [
  ("intervals", intervals),
  ("clustered", clustered),
  ("paired", paired),
  ("trainings", trainings),
  ("variance", variance),
  ("correction", correction),
  ("kappa", kappa),
  ("recommendation", recommendation),
  ("gate-power", gatePower),
  ("gate-sizes", gateSizes),
  ("gate-errors", gateErrors),
  ("gate-changes", gateChanges),
  ("gate-baseline", gateBaseline),
  ("gate-stopping", gateStopping),
]
let chosen = CommandLine.arguments.dropFirst()
for table in tables where chosen.isEmpty || chosen.contains(table.name) { table.make() }
