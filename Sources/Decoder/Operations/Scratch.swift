import LinearAlgebra

/// Buffers that operations fill and read within one block, by what they hold.
///
/// Blocks take turns with them; each is as large as the widest that was asked for. Owned by one
/// thread.
final class Scratch {
  enum Content: Int, CaseIterable {
    case normed, queries, keys, values, attended
    case gates, ups, inner, branch, fused
    case normGradient, queryGradient, keyGradient, valueGradient, attendedGradient, innerGradient
    case projectionGradient, branchGradient
    case routing, routingGradient
    case expertInput, expertOutput, expertGradient, expertInputGradient, expertInner
  }

  /// Rows that there is room for.
  let rows: Int
  private var buffers: [FloatBuffer]

  init(rows: Int) {
    self.rows = rows
    let none = FloatBuffer(count: 0)
    buffers = Content.allCases.map { _ in none }
  }

  /// Rows × width floats, with whatever the last user left.
  func buffer(_ content: Content, width: Int) -> FloatBuffer {
    let count = rows * width
    if buffers[content.rawValue].count < count {
      buffers[content.rawValue] = FloatBuffer(count: count)
    }
    return buffers[content.rawValue]
  }
}
