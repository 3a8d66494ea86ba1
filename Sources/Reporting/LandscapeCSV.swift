import Analysis
import Scoring
import Support

/// `landscape.csv`: one row a model of the grid, for scripts and figures.
enum LandscapeCSV {
  static let fileName = "landscape.csv"

  static let columns = [
    "dataset", "judge", "attack", "alpha", "t", "n", "complied", "asr", "asr_lower", "asr_upper",
    "degenerate", "refusal_loss", "refusal_loss_lower", "refusal_loss_upper",
  ]

  static func render(_ surfaces: [LandscapeSurface]) -> String {
    let lines = surfaces.flatMap { surface in
      surface.points.map { point in
        ([
          SummaryCSV.text(surface.dataset), SummaryCSV.text(surface.judge),
          SummaryCSV.text(surface.attack), Number.text(point.alpha), Number.text(point.strength),
          "\(point.judged)", "\(point.complied)",
        ]
          + [point.rate, point.interval?.lower, point.interval?.upper].map(SummaryCSV.number)
          + ["\(point.degenerate)"]
          + [
            point.refusalLoss, point.refusalLossInterval?.lower, point.refusalLossInterval?.upper,
          ].map(SummaryCSV.number)).joined(separator: ",")
      }
    }
    return ([columns.joined(separator: ",")] + lines).joined(separator: "\n") + "\n"
  }
}
