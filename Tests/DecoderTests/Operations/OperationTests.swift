import Testing

/// Every operation's gradients, and what it serves beside what it trains.
///
/// One after the other: the suites share the threads of `FiniteDifference.pool`, which serve one
/// caller at a time.
@Suite(.serialized) enum OperationTests {}
