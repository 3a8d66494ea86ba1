/// Sequences laid end to end, without padding.
struct PackedBatch {
  struct Sequence {
    /// The sequence's first row.
    let start: Int
    let count: Int
    /// Tokens of the text, the last one, which is not computed, included.
    let textLength: Int
  }

  /// A position whose logits predict a label.
  struct Label {
    let row: Int
    let token: Int
    /// Which sequence it belongs to.
    let sequence: Int
  }

  let tokens: [Int]
  /// Each row's position in its own sequence.
  let positions: [Int]
  let sequences: [Sequence]
  let labels: [Label]

  var rows: Int { tokens.count }

  init(_ examples: [TrainingExample]) {
    var tokens: [Int] = []
    var positions: [Int] = []
    var sequences: [Sequence] = []
    var labels: [Label] = []
    for example in examples {
      // The last token predicts nothing, so it need not be computed.
      let count = example.tokens.count - 1
      guard count > 0 else { continue }
      for position in 0..<count where example.isLabel[position + 1] {
        labels.append(
          Label(
            row: tokens.count + position, token: example.tokens[position + 1],
            sequence: sequences.count))
      }
      sequences.append(
        Sequence(start: tokens.count, count: count, textLength: example.tokens.count))
      tokens += example.tokens[..<count]
      positions += 0..<count
    }
    self.tokens = tokens
    self.positions = positions
    self.sequences = sequences
    self.labels = labels
  }
}
