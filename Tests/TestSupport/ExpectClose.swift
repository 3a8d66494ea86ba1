package import Testing

/// Records an issue unless `found` lies within `tolerance` of `expected`; a NaN on any side never does.
package func expectClose<Number: BinaryFloatingPoint & Sendable>(
  _ found: Number, _ expected: Number, tolerance: Number,
  _ comment: @autoclosure () -> Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    isClose(found, expected, tolerance), "\(text(comment()))\(found), not \(expected)",
    sourceLocation: sourceLocation)
}

/// Records an issue unless both have as many numbers, each within `tolerance` of its counterpart.
package func expectClose<Number: BinaryFloatingPoint & Sendable>(
  _ found: some Collection<Number>, _ expected: some Collection<Number>, tolerance: Number,
  _ comment: @autoclosure () -> Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expectEach(found, expected, comment(), sourceLocation) { isClose($0, $1, tolerance) }
}

/// Records an issue unless both have as many numbers, each within `tolerance` · |expected| of its
/// counterpart.
package func expectRelativelyClose<Number: BinaryFloatingPoint & Sendable>(
  _ found: some Collection<Number>, _ expected: some Collection<Number>, tolerance: Number,
  _ comment: @autoclosure () -> Comment? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  expectEach(found, expected, comment(), sourceLocation) { isClose($0, $1, tolerance * abs($1)) }
}

/// The largest distance of two counterparts: NaN where one is, infinite where one has more numbers.
package func largestDifference<Number: BinaryFloatingPoint>(
  _ some: some Collection<Number>, _ others: some Collection<Number>
) -> Number {
  guard some.count == others.count else { return .infinity }
  var largest = Number.zero
  for (one, other) in zip(some, others) where one != other {
    let distance = abs(one - other)
    // `max` would pass over it.
    if distance.isNaN { return .nan }
    largest = max(largest, distance)
  }
  return largest
}

private func isClose<Number: BinaryFloatingPoint>(
  _ found: Number, _ expected: Number, _ tolerance: Number
) -> Bool {
  // Equal infinities have no distance.
  found == expected || abs(found - expected) < tolerance
}

private func expectEach<Number: BinaryFloatingPoint>(
  _ found: some Collection<Number>, _ expected: some Collection<Number>, _ comment: Comment?,
  _ sourceLocation: SourceLocation, _ isGood: (Number, Number) -> Bool
) {
  guard found.count == expected.count else {
    Issue.record(
      "\(text(comment))\(found.count) numbers, not \(expected.count)",
      sourceLocation: sourceLocation)
    return
  }
  let bad = zip(found, expected).enumerated().filter { !isGood($0.element.0, $0.element.1) }
  guard let first = bad.first else { return }
  Issue.record(
    "\(text(comment))\(bad.count) of \(found.count) differ; at \(first.offset) found \(first.element.0), not \(first.element.1)",
    sourceLocation: sourceLocation)
}

private func text(_ comment: Comment?) -> String { comment.map { "\($0): " } ?? "" }
