import Analysis
import Scoring
import Support

/// What a page is made of: Markdown and HTML render the same blocks, so they say the same.
enum Block {
  case heading(String)
  case subheading(Sentence)
  case paragraph(Sentence)
  /// An explanation in small print.
  case note(Sentence)
  case list([Sentence])
  case table(ReportTable)
  /// Tables coloured by their shares, side by side where there is room, under one title.
  case heatMaps(String, [ReportTable])
  /// Words of prompts and models.
  case quote([Sentence])
  /// Blocks that a reader opens where the page can fold.
  case details(String, [Block])
  /// Curves, where the page can draw.
  case chart(ChartFigure)
  case scatter(ScatterFigure)
  /// A value over two axes, where the page can draw; a table elsewhere.
  case surface(SurfaceFigure)
  /// Every sample with filters, where the page can run a script.
  case samples
}

/// A table whose cells are text with a meaning.
struct ReportTable {
  struct Column {
    enum Kind {
      case text, number
      /// Sentences: never squeezed to a word a line.
      case prose
    }

    var title: String
    var kind: Kind

    static func text(_ title: String) -> Column { Column(title: title, kind: .text) }
    static func number(_ title: String) -> Column { Column(title: title, kind: .number) }
    static func prose(_ title: String) -> Column { Column(title: title, kind: .prose) }
  }

  enum Tone: String {
    case better, worse
  }

  struct Cell: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    var content: Phrase
    /// What stands smaller beside or below it, such as an interval.
    var detail = ""
    var tone: Tone?
    /// 0 to 1: how strongly the cell is coloured in a heat map.
    var heat: Double?

    init(_ text: String, detail: String = "", tone: Tone? = nil, heat: Double? = nil) {
      content = .text(text)
      self.detail = detail
      self.tone = tone
      self.heat = heat
    }

    init(code: String) { content = .code(code) }
    init(stringLiteral value: String) { content = .text(value) }
  }

  /// What a reader who hears the table is told first.
  var caption: String
  var columns: [Column]
  var rows: [[Cell]]
  /// Whether the caption is written out where tables have none of their own.
  var needsCaption = false
  /// A heat map: cells coloured by their share, the first column naming the rows.
  var isHeatMap = false
}

/// Curves over the strength with a title.
struct ChartFigure {
  var id: String
  var title: String
  var explanation: String
  /// What the x axis is.
  var axis: String
  var series: [ChartSeries]
}

/// A value over two axes.
struct SurfaceFigure {
  struct Tile {
    /// nil where nothing was measured.
    var value: Double?
    /// The number that stands in it.
    var text: String
    /// 0 to 1: how strongly it is coloured.
    var heat: Double?
    /// What is told of it when it is pointed at.
    var title: String

    static let empty = Tile(value: nil, text: "–", heat: nil, title: "not measured")
  }

  struct Level {
    var value: Double
    var name: String
  }

  var id: String
  var title: String
  var explanation: String
  /// The places of both axes, ascending.
  var columns: [Double]
  var rows: [Double]
  var columnAxis: String
  var rowAxis: String
  /// The same for a narrow page.
  var shortColumnAxis: String
  var shortRowAxis: String
  /// By row, then by column.
  var tiles: [[Tile]]
  /// Values of which lines are drawn.
  var levels: [Level]

  /// To three decimals, which is finer than any grid's eye.
  static func place(_ value: Double) -> String { Number.text((value * 1000).rounded() / 1000) }

  /// The same as a table: the greatest row first, as it is drawn.
  var table: ReportTable {
    ReportTable(
      caption: "\(title), \(explanation)",
      columns: [.text("t \\ α")] + columns.map { .number(Self.place($0)) },
      rows: rows.indices.reversed().map { row in
        [ReportTable.Cell(Self.place(rows[row]))]
          + tiles[row].map { ReportTable.Cell($0.text, heat: $0.heat) }
      }, needsCaption: true, isHeatMap: true)
  }
}

/// Points between two shares.
struct ScatterFigure {
  struct Point {
    var name: String
    /// Which colour and marker; points of one kind share it.
    var style: Int
    var x: TradeoffPoint.Share
    var y: TradeoffPoint.Share
    var isOnFront: Bool
    /// Shown, but not to be chosen.
    var isFaint: Bool
    /// What is told of it when it is pointed at.
    var title: String
  }

  var id: String
  var title: String
  var explanation: String
  /// What the x axis is.
  var axis: String
  var points: [Point]
}

extension TradeoffPoint.Share {
  var lower: Double { interval.lower }
  var upper: Double { interval.upper }
}
