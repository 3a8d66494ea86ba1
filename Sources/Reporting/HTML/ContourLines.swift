/// Lines of equal value over a grid, by marching squares (Lorensen and Cline, 1987, in two dimensions).
///
/// Along each side of a square the value runs straight. Where a line could be drawn in two ways (two corners
/// above, diagonally), the mean of the four corners decides.
enum ContourLines {
  /// In units of the grid's places.
  struct Point: Hashable {
    var x: Double
    var y: Double
  }

  /// A side of a square, by its lower left corner.
  private struct Side: Hashable {
    var column: Int
    var row: Int
    /// Whether it runs along a row.
    var isAlong: Bool
  }

  /// - Parameters:
  ///   - values: by row, then by column; squares with a corner of nil have no line.
  ///   - columns: places of the columns, ascending.
  ///   - rows: likewise.
  /// - Returns: lines, each closed where its ends are equal.
  static func lines(
    of values: [[Double?]], columns: [Double], rows: [Double], at level: Double
  ) -> [[Point]] {
    precondition(values.count == rows.count && values.allSatisfy { $0.count == columns.count })
    guard rows.count > 1, columns.count > 1 else { return [] }
    var places: [Side: Point] = [:]
    var neighbours: [Side: [Side]] = [:]
    var order: [Side] = []
    func cross(_ side: Side) -> Side {
      guard places[side] == nil else { return side }
      let (column, row) = (side.column, side.row)
      let next = side.isAlong ? (column + 1, row) : (column, row + 1)
      let (one, two) = (values[row][column] ?? level, values[next.1][next.0] ?? level)
      let share = (level - one) / (two - one)
      places[side] = Point(
        x: columns[column] + share * (columns[next.0] - columns[column]),
        y: rows[row] + share * (rows[next.1] - rows[row]))
      order.append(side)
      return side
    }
    func join(_ one: Side, _ two: Side) {
      let (one, two) = (cross(one), cross(two))
      neighbours[one, default: []].append(two)
      neighbours[two, default: []].append(one)
    }
    for row in 0..<rows.count - 1 {
      for column in 0..<columns.count - 1 {
        guard let a = values[row][column], let b = values[row][column + 1],
          let c = values[row + 1][column + 1], let d = values[row + 1][column]
        else { continue }
        let bottom = Side(column: column, row: row, isAlong: true)
        let top = Side(column: column, row: row + 1, isAlong: true)
        let left = Side(column: column, row: row, isAlong: false)
        let right = Side(column: column + 1, row: row, isAlong: false)
        let corners = [a, b, c, d].map { $0 >= level }
        let crossed = [
          corners[0] != corners[1] ? bottom : nil, corners[1] != corners[2] ? right : nil,
          corners[2] != corners[3] ? top : nil, corners[3] != corners[0] ? left : nil,
        ].compactMap(\.self)
        switch crossed.count {
        case 2: join(crossed[0], crossed[1])
        case 4:
          // The first corner is cut off where it differs from the middle.
          if ((a + b + c + d) / 4 >= level) != corners[0] {
            join(bottom, left)
            join(right, top)
          } else {
            join(bottom, right)
            join(top, left)
          }
        default: break
        }
      }
    }
    return chained(order, &neighbours).map { $0.compactMap { places[$0] } }
  }

  /// Sides in the order in which a line passes them: lines that end first, then closed ones.
  private static func chained(_ order: [Side], _ neighbours: inout [Side: [Side]]) -> [[Side]] {
    var lines: [[Side]] = []
    let ends = order.filter { neighbours[$0]?.count == 1 }
    for start in ends + order {
      guard neighbours[start]?.isEmpty == false else { continue }
      var line = [start]
      var place = start
      while let next = neighbours[place]?.first {
        neighbours[place]?.removeFirst()
        if let index = neighbours[next]?.firstIndex(of: place) {
          neighbours[next]?.remove(at: index)
        }
        line.append(next)
        place = next
      }
      lines.append(line)
    }
    return lines
  }
}
