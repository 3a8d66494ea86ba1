extension RefusalPhrases {
  /// Words that phrases name by `[name]`.
  static let classes: [String: [String]] = [
    "me": ["i", "we"],
    "may": ["can", "could", "will", "would", "should", "shall", "may", "must"],
    "no": ["not", "never"],
    "serve": [
      "assist*", "help*", "provid*", "fulfil*", "comply", "support*", "generat*", "creat*", "write",
      "writing", "offer*", "give", "giving", "answer*", "discuss*", "engag*", "participat*",
      "share", "sharing", "do", "process", "respond*", "continue", "condone", "promot*",
      "encourag*", "facilitat*", "teach*", "advis*", "explain*", "instruct*", "suggest*", "endors*",
      "tell", "describ*", "show", "make", "making", "produc*", "draft*", "compos*", "aid", "join",
      "carry", "plan", "guide", "go", "talk", "touch", "lend", "cooperat*", "collaborat*",
      "contribut*", "proceed", "accommodat*", "entertain", "address", "cover", "reveal*",
      "disclos*", "detail", "outline", "supply", "recommend*", "say", "speculat*", "elaborat*",
      "build*", "design", "prepar*", "oblige", "enabl*", "take", "be", "become", "play", "let",
      "get", "look", "find*", "hand", "spell", "put", "trace", "use", "act", "ignore", "lead",
      "mak*", "complete", "perform", "execute", "fabricat*", "arrange", "organise", "organize",
      "walk", "point", "add", "follow", "argue", "pretend", "return", "deliver", "handle", "speak",
      "serve", "turn", "work", "invent", "copy", "list", "translate", "reproduce", "invite",
    ],
    "content": [
      "request*", "content", "question*", "quer*", "topic*", "prompt*", "message*", "material",
      "instructions", "information", "advice", "guidance", "assistance", "help", "answer*",
      "response*", "details", "access", "subject", "matter", "task", "that", "this", "it", "such",
    ],
    "served": [
      "provid*", "generat*", "fulfil*", "support*", "allow*", "permit*", "given", "answer*",
      "complet*", "process*", "available", "possible", "shared", "discuss*", "cover*", "handl*",
      "offer*", "produc*", "assist*", "accept*", "done", "made", "written", "part", "display*",
      "shown", "show", "described", "explain*", "honoured", "honored", "granted", "met", "served",
      "issued", "returned", "released", "appropriate", "suitable", "taught", "here", "within",
      "eligible", "able",
    ],
    "policy": [
      "policy", "policies", "guideline*", "rule", "rules", "terms", "safety", "standards",
      "principles", "ethic*", "values", "law", "code", "programming", "conscience", "restriction*",
      "safeguard*", "filter*", "moderation", "instructions", "training", "licence", "license",
    ],
    "forbid": [
      "prohibit*", "forbid*", "violat*", "against", "prevent*", "restrict*", "outside", "bar",
      "bars", "barred", "exclud*", "disallow*", "contrary", "conflict*", "breach*", "contraven*",
      "block*", "stop", "stops", "rule", "rules", "beyond", "bans", "banned", "breaks",
      "incompatible", "contradict*", "flag*", "limit*", "withh*", "keep", "keeps",
    ],
    "assistant": [
      "assistant", "service", "system", "tool", "bot", "chatbot", "model", "program", "robot",
      "app", "application", "platform", "product", "ai", "machine", "unit", "site", "openassistant",
    ],
    "that": [
      "that", "this", "it", "so", "such", "these", "those", "anyone", "anybody", "someone",
      "somebody", "others", "people", "person", "harm*", "hurt*", "violen*", "steal*", "crime*",
      "illegal*",
    ],
    "bad": [
      "illegal", "unlawful", "unethical", "immoral", "wrong", "unacceptable", "inappropriate",
      "harmful", "dangerous", "cruel", "criminal", "crime", "offence", "offense", "felony", "theft",
      "abuse", "serious", "punishable", "irresponsible", "unsafe", "indefensible", "exploitation",
      "reckless", "hateful", "despicable", "victims", "prison", "jail", "prosecut*",
    ],
    "es": [
      "ayud*", "asist*", "proporcion*", "dar*", "ofrec*", "hacer*", "escrib*", "explic*", "cumpl*",
      "compart*", "apoy*", "respond*", "habl*", "facilit*", "contribu*", "particip*", "gener*",
      "crear*", "ensen*", "brind*", "decir*", "complac*", "colabor*", "redact*", "eso", "esto",
      "continuar", "atend*", "realiz*", "acept*", "seguir",
    ],
    "es-do": [
      "ayudo", "ayudare", "escribo", "escribire", "doy", "dare", "ofrezco", "hago", "hare",
      "proporciono", "apoyo", "enseno", "explico", "explicare", "colaboro", "colaborare", "redacto",
      "redactare", "dire", "digo", "contribuire", "genero", "comparto", "proporcionare",
    ],
    "pt": [
      "ajud*", "auxili*", "fornec*", "dar*", "oferec*", "fazer*", "escrev*", "explic*", "cumpr*",
      "compartilh*", "apoi*", "respond*", "fal*", "facilit*", "contribu*", "particip*", "ger*",
      "criar*", "ensin*", "dizer*", "atend*", "colabor*", "redig*", "isso", "isto", "continuar",
      "realiz*", "prest*",
    ],
    "pt-do": [
      "ajudo", "ajudarei", "escrevo", "escreverei", "dou", "darei", "ofereco", "faco", "farei",
      "forneco", "fornecerei", "apoio", "ensino", "explico", "explicarei", "colaboro", "participo",
      "direi", "digo", "gero", "compartilho",
    ],
    "it": [
      "aiut*", "assist*", "forni*", "dar*", "offri*", "far*", "scriv*", "spieg*", "soddisf*",
      "condivid*", "support*", "rispond*", "parl*", "contribu*", "partecip*", "gener*", "crear*",
      "insegn*", "dir*", "questo", "continuare", "collabor*", "grado",
    ],
    "it-do": [
      "aiuto", "aiutero", "scrivo", "scrivero", "do", "daro", "offro", "faccio", "faro", "fornisco",
      "fornirò", "spiego", "spieghero", "insegno", "dico", "diro", "collaboro", "partecipo",
    ],
    "zh": [
      "帮", "幫", "助", "提", "供", "协", "協", "回", "答", "写", "寫", "给", "給", "教", "告", "满",
      "滿", "做", "支", "参", "說", "说", "解", "分", "生", "讨", "討", "这", "這", "那", "为", "為",
      "编", "編", "继", "繼", "处", "讲", "指", "完",
    ],
    "someone": [
      "someone", "somebody", "professional", "counsel*", "therapist", "doctor", "helpline",
      "hotline", "lawyer", "police", "friend", "authorities", "crisis", "expert", "adviser",
      "advisor", "support", "trust", "emergency", "pharmacist", "line", "lifeline", "solicitor",
    ],
  ]
}
