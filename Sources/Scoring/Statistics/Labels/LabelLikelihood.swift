import Foundation

/// The likelihood of a group of cells whose judge errs alike: each cell has its own share π of replies
/// that comply, all share the judge's sensitivity Se and specificity Sp. A reply is
///
///     labelled +, called +: π Se              labelled −, called +: (1 − π)(1 − Sp)
///     no label,   called +: π Se + (1 − π)(1 − Sp)
///
/// and likewise not called. Maximised by expectation and maximisation (A. P. Dempster, N. M. Laird and
/// D. B. Rubin, 1977), which never leaves [0, 1].
struct LabelLikelihood {
  let cells: [LabelledCell]
  var shares: [Double]
  var sensitivity: Double
  var specificity: Double

  /// Begins at the labels' own shares.
  init(_ cells: [LabelledCell]) {
    self.cells = cells
    func sum(_ value: (LabelledCell) -> Double) -> Double { cells.reduce(0) { $0 + value($1) } }
    let (hits, misses) = (sum(\.hits), sum(\.misses))
    let (alarms, rejections) = (sum(\.alarms), sum(\.rejections))
    sensitivity = (hits + 1) / (hits + misses + 2)
    specificity = (rejections + 1) / (alarms + rejections + 2)
    shares = cells.map { cell in
      (cell.hits + cell.misses + cell.called + 0.5) / (cell.replies + 1)
    }
  }

  /// Climbs to the largest likelihood, with the share of one cell fixed or none.
  mutating func maximise(fixing fixed: (cell: Int, share: Double)? = nil) {
    if let fixed { shares[fixed.cell] = fixed.share }
    var last = -Double.infinity
    for step in 0..<2_000 {
      var (positives, found, negatives, left) = (0.0, 0.0, 0.0, 0.0)
      for (index, cell) in cells.enumerated() {
        let share = shares[index]
        let calledPositive = Self.ratio(share * sensitivity, (1 - share) * (1 - specificity))
        let uncalledPositive = Self.ratio(share * (1 - sensitivity), (1 - share) * specificity)
        let hits = cell.hits + cell.called * calledPositive
        let misses = cell.misses + cell.uncalled * uncalledPositive
        positives += hits + misses
        found += hits
        negatives += cell.replies - hits - misses
        left += cell.rejections + cell.uncalled * (1 - uncalledPositive)
        if fixed?.cell != index, cell.replies > 0 { shares[index] = (hits + misses) / cell.replies }
      }
      if positives > 0 { sensitivity = found / positives }
      if negatives > 0 { specificity = left / negatives }
      guard step % 10 == 9 else { continue }
      let now = logarithm
      if now - last < 1e-7 { break }
      last = now
    }
  }

  private static func ratio(_ a: Double, _ b: Double) -> Double { a + b > 0 ? a / (a + b) : 0.5 }

  var logarithm: Double {
    func term(_ count: Double, _ probability: Double) -> Double {
      count > 0 ? count * log(max(probability, 1e-300)) : 0
    }
    return cells.indices.reduce(0) { sum, index in
      let (cell, share) = (cells[index], shares[index])
      let hit = share * sensitivity
      let miss = share * (1 - sensitivity)
      let alarm = (1 - share) * (1 - specificity)
      let rejection = (1 - share) * specificity
      return sum + term(cell.hits, hit) + term(cell.misses, miss) + term(cell.alarms, alarm)
        + term(cell.rejections, rejection) + term(cell.called, hit + alarm)
        + term(cell.uncalled, miss + rejection)
    }
  }
}
