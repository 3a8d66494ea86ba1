/// A value over two axes: a tile for each place of the grid, coloured and with its number, and lines of equal
/// value between the places.
struct SVGSurface {
  /// Unique on the page.
  var id: String
  var figure: SurfaceFigure
  var isNarrow: Bool

  private var width: Double { isNarrow ? 344 : 760 }
  private var plotHeight: Double {
    min(
      isNarrow ? 300 : 420,
      max(isNarrow ? 150 : 200, Double(figure.rows.count) * (isNarrow ? 34 : 48)))
  }
  private let top = 10.0
  /// Room for the axis's name and the longest of its numbers.
  private var left: Double { 30 + Self.room(figure.rows) }
  private var right: Double { isNarrow ? 8 : 16 }
  private var bottom: Double { top + plotHeight }
  private var plotRight: Double { width - right }
  private var lineHeight: Double { 20 }
  private var keyColumns: Int { isNarrow ? 2 : 4 }
  private var keyRows: Int { (figure.levels.count + keyColumns - 1) / keyColumns }
  private var height: Double { bottom + 50 + Double(keyRows) * lineHeight }

  /// The width of the longest of some numbers.
  private static func room(_ places: [Double]) -> Double {
    Double(places.map { SurfaceFigure.place($0).count }.max() ?? 1) * 7
  }

  /// Of each place the tile's ends, in the axis's own units: half way to its neighbours.
  private static func tiles(_ places: [Double]) -> [(from: Double, to: Double)] {
    guard places.count > 1 else { return places.map { ($0 - 0.5, $0 + 0.5) } }
    let middles = zip(places, places.dropFirst()).map { ($0 + $1) / 2 }
    let first = 2 * places[0] - middles[0]
    let last = 2 * places[places.count - 1] - middles[middles.count - 1]
    return zip([first] + middles, middles + [last]).map { ($0, $1) }
  }

  private func x(_ value: Double) -> Double {
    let tiles = Self.tiles(figure.columns)
    guard let first = tiles.first?.from, let last = tiles.last?.to else { return left }
    return left + (value - first) / (last - first) * (plotRight - left)
  }

  private func y(_ value: Double) -> Double {
    let tiles = Self.tiles(figure.rows)
    guard let first = tiles.first?.from, let last = tiles.last?.to else { return bottom }
    return bottom - (value - first) / (last - first) * plotHeight
  }

  func render() -> String {
    SVG.figure(
      "surface", id: id, isNarrow: isNarrow, width: width, height: height, title: figure.title,
      description: figure.explanation, parts: [tiles, contours, numbers, axes, key])
  }

  private func each(_ draw: (_ row: Int, _ column: Int, SurfaceFigure.Tile) -> String) -> String {
    figure.rows.indices.flatMap { row in
      figure.columns.indices.map { draw(row, $0, figure.tiles[row][$0]) }
    }.joined(separator: "\n")
  }

  private var tiles: String {
    let (across, up) = (Self.tiles(figure.columns), Self.tiles(figure.rows))
    return each { row, column, tile in
      let (x1, x2) = (x(across[column].from), x(across[column].to))
      let (y1, y2) = (y(up[row].to), y(up[row].from))
      let fill = tile.heat.map { " style=\"fill:rgb(var(--heat)/\(SVG.hundredths($0 * 0.75)))\"" }
      return "<rect class=\"tile\" x=\"\(SVG.number(x1))\" y=\"\(SVG.number(y1))\" "
        + "width=\"\(SVG.number(x2 - x1))\" height=\"\(SVG.number(y2 - y1))\"\(fill ?? "")>"
        + "<title>\(HTMLText.escape(tile.title))</title></rect>"
    }
  }

  /// A tile's number, where it has room; where it has not, what is pointed at tells it.
  private var numbers: String {
    let (across, up) = (Self.tiles(figure.columns), Self.tiles(figure.rows))
    return each { row, column, tile in
      let room = x(across[column].to) - x(across[column].from)
      let high = y(up[row].from) - y(up[row].to)
      let needed = Double(tile.text.count) * (isNarrow ? 6.4 : 7.2) + 4
      guard room >= needed, high >= 15 else { return "" }
      return SVG.text(
        "value", x(figure.columns[column]), y(figure.rows[row]) + 4, anchor: "middle", tile.text)
    }
  }

  private var contours: String {
    let values = figure.tiles.map { $0.map(\.value) }
    return figure.levels.enumerated().flatMap { index, level in
      ContourLines.lines(
        of: values, columns: figure.columns, rows: figure.rows, at: level.value
      ).map { line in
        let places = line.map { "\(SVG.number(x($0.x))),\(SVG.number(y($0.y)))" }
        return "<polyline class=\"contour\" points=\"\(places.joined(separator: " "))\""
          + Self.dash(index) + "/>"
      }
    }.joined(separator: "\n")
  }

  private static func dash(_ index: Int) -> String {
    let pattern = ["2 4", "", "9 4", "9 3 2 3"][index % 4]
    return pattern.isEmpty ? "" : " stroke-dasharray=\"\(pattern)\""
  }

  // MARK: - Axes and key

  private var axes: String {
    var parts: [String] = []
    var last = -Double.infinity
    for column in figure.columns where x(column) - last >= 8 + Self.room(figure.columns) {
      last = x(column)
      parts.append(
        SVG.text("tick", x(column), bottom + 17, anchor: "middle", SurfaceFigure.place(column)))
    }
    last = .infinity
    for row in figure.rows where last - y(row) >= 14 {
      last = y(row)
      parts.append(SVG.text("tick", left - 7, y(row) + 4, anchor: "end", SurfaceFigure.place(row)))
    }
    parts.append(
      SVG.text(
        "name", (left + plotRight) / 2, bottom + 35, anchor: "middle",
        isNarrow ? figure.shortColumnAxis : figure.columnAxis))
    let middle = SVG.number((top + bottom) / 2)
    parts.append(
      "<text class=\"name\" text-anchor=\"middle\" transform=\"translate(13 \(middle)) rotate(-90)\">"
        + "\(HTMLText.escape(isNarrow ? figure.shortRowAxis : figure.rowAxis))</text>")
    return parts.joined(separator: "\n")
  }

  private var key: String {
    figure.levels.enumerated().map { index, level in
      let column = Double(index % keyColumns)
      let start = left + column * (plotRight - left) / Double(keyColumns)
      let place = bottom + 56 + Double(index / keyColumns) * lineHeight
      return "<polyline class=\"contour\" points=\"\(SVG.number(start)),\(SVG.number(place)) "
        + "\(SVG.number(start + 30)),\(SVG.number(place))\"\(Self.dash(index))/>"
        + SVG.text("tick", start + 37, place + 4, level.name)
    }.joined(separator: "\n")
  }
}
