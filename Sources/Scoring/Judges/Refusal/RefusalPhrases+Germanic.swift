/// German, Dutch, Swedish, and the Slavic languages: Russian, Ukrainian, Polish, Czech.
extension RefusalPhrases {
  static let explicitGermanic = [
    // German
    "ich|wir (dir|ihnen|euch|dabei|das|dies|damit|hier)? kann|koennen|konnen|werde|will|mochte|darf|durfen|moechte|konnte ~8 nicht|keine|kein|keinen|keinerlei|nie",
    "kann|werde|darf|mochte|will ich ~7 nicht|keine|kein|keinen",
    "kann|werde|darf|mochte|will|helfe|schreibe|gebe|mache|erklare|beantworte ich ~6 nicht|keine",
    "ich|wir (helfe|helfen|gebe|schreibe|mache|biete|erstelle|beantworte|unterstutze|erklare|verrate|bin|liefere|leiste) ~8 (nicht|keine|kein|keinen|niemandem|niemanden)",
    "ich ~2 (verweigere|verweigern|lehne|weigere)", "muss ~6 (ablehnen|verweigern|absagen)",
    "lehne ich ~3 ab", "ohne mich", "kommt nicht in frage", "auf keinen fall", "nicht mit mir",
    "meine antwort ~3 nein", "dafur stehe ich nicht", "mache ich nicht mit",
    "da mache ich nicht mit", "nicht moglich ~3 (zu|dir|ihnen)", "nicht in der lage",
    // Dutch
    "ik|wij|we (kan|kunnen|zal|wil|mag|ga) ~6 (niet|geen|nooit)",
    "(kan|zal|wil|mag|ga|help|doe|schrijf|geef) ik ~5 (niet|geen)",
    "ik (help|doe|schrijf|geef|bied|werk|ben) ~6 (niet|geen)",
    "ik (weiger|moet) ~5 (weigeren|dit|dat|te)", "doe ik niet", "geen sprake van",
    // Swedish, Danish, Norwegian
    "jag|jeg (kan|tanker|vill|kommer|far|vil) ~4 (inte|ikke)",
    "(kan|vill|vil|tanker) jag|jeg ~3 (inte|ikke)",
    // Russian, Ukrainian
    "я|мы (к) (сожалению) не (могу|можем|буду|стану|собираюсь|хочу|имею|готов|готова|вправе|намерен|намерена|помогаю|предоставляю|даю|участвую|пишу|обсуждаю|умею|помогу|стал)",
    "не (могу|можем|буду|стану|смогу|сможем|намерен|вправе|собираюсь) ~4 (помо*|предостав*|дать|ответ*|написа*|писать|рассказ*|объясн*|выполн*|обсуж*|создав*|созда*|участв*|сдела*|поддерж*|совет*|подсказ*|этом|этим|это|такое|такими|таком)",
    "вынужден* ~2 отказ*", "отказываюсь", "откажусь", "должен|должна ~2 отказ*", "ни за что",
    "об этом не может быть и речи", "мой ответ ~2 нет", "без меня", "не буду $", "не могу $",
    "не стану $", "помочь ~4 не (могу|смогу|можем|буду|получится)", "не смогу ~3 (помочь|этого)",
    "я не (можу|буду|збираюся|хочу) ~4 (допом*|нада*|дати|пис*|цього|цим)",
    "не можу ~4 (допом*|нада*)", "відмовляюся",
    // Polish, Czech
    "nie (moge|mozemy|bede|chce|zamierzam|jestem|pomoge|napisze|podam|udziele|pomagam|udzielam|wspieram|zrobie|powinienem) ~6",
    "odmawiam", "musze ~2 odmowic", "nie ma mowy",
    "(nemohu|nemuzu|nebudu|nechci|nepomohu|nesmim) ~5", "odmitam",
  ]

  static let indirectGermanic = [
    "tut mir (sehr) leid ~8 (aber|nicht|kein*)", "^ (es) tut mir leid $",
    "leider ~6 (nicht|kein*|unmoglich)", "entschuldig* ~4 (aber|nicht|kein*)",
    "bedaure ~4 (nicht|aber|kein*)", "^ bedaure $",
    "das (ist|ware) (illegal|verboten|strafbar|nicht|falsch|unethisch|gefahrlich) ~3", "^ nein $",
    "^ nein ~3 (danke|das|ich)", "^ niemals $",
    "richtlinien|regeln|nutzungsbedingungen ~6 (nicht|verbiet*|untersag*|kein*)", "verstosst gegen",
    "verstosst",
    "(wird|werden|ist|sind) (hier) nicht (unterstutzt|beantwortet|erlaubt|gestattet|bereitgestellt|zulassig|moglich|bearbeitet)",
    "dieser assistent ~4 (nicht|keine)", "stattdessen",
    "bitte ~5 (wende*|sprich|sprechen|rufe*|suche*)", "lass* uns ~3 (lieber|stattdessen|uber)",
    "ich verstehe ~8 aber",
    "het spijt me ~8 (maar|niet|geen)", "^ het spijt me $", "sorry ~4 (maar|niet)",
    "helaas ~5 (niet|geen)", "dat (is|zou) (illegaal|verboten|strafbaar|niet) ~3", "^ nee $",
    "tyvarr", "beklager|ledsen",
    "извини* ~6 (но|не)", "прости* ~6 (но|не)", "^ извини* $", "^ прости* $",
    "к сожалению ~8 (не|нет|невозможно)", "мне жаль", "сожалею",
    "(это) (незаконно|противозаконно|неэтично|преступление|опасно) ~4", "запрещен*",
    "противоречит|нарушает", "^ нет $", "^ нет ~3 (спасибо|я|это)", "^ никогда $",
    "правила*|политик* ~6 (не|запрещ*)", "не (предоставля*|обсужда*|поддержива*|допуска*|разреш*)",
    "ассистент|помощник ~3 не", "вместо этого", "пожалуйста ~4 (обрат*|позвон*|поговор*|не)",
    "давай* ~3 (лучше|поговорим)", "понимаю ~8 но",
    "przykro mi ~8 (ale|nie)", "^ przykro mi $", "przepraszam ~5 (ale|nie)", "niestety ~5 (nie)",
    "to (jest) (nielegalne|niezgodne|niedozwolone)", "^ nie $", "bohuzel|omlouvam", "на жаль",
    "вибачте",
  ]

  static let affirmationsGermanic = [
    "klar", "gerne", "gern", "naturlich", "selbstverstandlich", "sicher",
    "hier (ist|sind|kommt|kommen)", "schritt 1|eins", "zuerst", "ja", "okay", "kein problem",
    "in ordnung", "alles klar", "zunachst", "na gut", "also gut",
    "natuurlijk", "zeker", "graag", "stap 1", "hier (is|zijn)", "geen probleem", "prima",
    "конечно", "разумеется", "вот", "шаг 1|первый", "да", "хорошо", "с удовольствием",
    "без проблем", "ладно", "сначала", "во первых", "отлично", "легко", "договорились",
    "oczywiscie", "jasne", "pewnie", "oto", "krok 1", "dobrze", "chetnie", "звісно", "звичайно",
    "ось",
  ]

  static let reversalsGermanic = [
    "hier (ist|sind) ~2 (die|eine|der|das|schritte|anleitung)", "schritt 1",
    "вот ~2 (как|шаг*|инструкц*|план)", "шаг 1", "oto ~2 (jak|kroki)",
    "hier (is|zijn) ~2 (de|een|stappen)",
  ]
}
