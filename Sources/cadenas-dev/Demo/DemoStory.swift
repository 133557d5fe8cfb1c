import NIOHTTP1

/// The purchase: what happens, in order, each step checked as it is told.
struct DemoStory {
  let stage: RunningInstallation
  let shop: HTTPSClient
  var narrator: Narrator
  /// Everything that the shop received: bodies, to be searched at the end.
  var seenByShop: [[UInt8]] = []
  /// The tokens of ``DemoCard/all``, in its order.
  var tokens: [String] = []
  /// The idempotency keys of all payments: as many as the acquirer should have received.
  var paid: Set<String> = []
  /// What the vault calls them.
  var payments: Set<String> = []
  private(set) var proofs = 0
  private var keys = 0

  init(_ stage: RunningInstallation, _ narrator: Narrator) throws(DevelopmentError) {
    self.stage = stage
    self.narrator = narrator
    shop = try stage.client("shop")
  }

  mutating func tell() throws(DevelopmentError) {
    setTheScene()
    try tokenize()
    try pay()
    try authenticate()
    try repeatPayment()
    try lookFromOutside()
    try delete()
    try payOnPage()
    try tellWhatTheShopSaw()
    try tellWhatTheAcquirerSaw()
    try tellWhatLiesOnDisk()
    try tellWhatTheAuditorSees()
  }

  /// Says that something was checked, or ends the story where it is not so.
  mutating func prove(_ condition: Bool, _ claim: String) throws(DevelopmentError) {
    guard condition else { throw .unexpected("not as told: \(claim)") }
    proofs += 1
    narrator.proved(claim)
  }

  /// A request of the shop's, remembered for the end.
  mutating func ask(
    _ path: String, _ body: String, key: String? = nil
  ) throws(DevelopmentError) -> (status: Int, members: JSONMembers) {
    let headers = key.map { [("Idempotency-Key", $0)] } ?? []
    let answer = try shop.send(.POST, path, headers: headers, body: body)
    seenByShop.append(answer.body)
    let members = try JSONMembers(answer.body)
    if let payment = members["payment_id"] { payments.insert(payment) }
    return (answer.status, members)
  }

  mutating func newKey() -> String {
    keys += 1
    return "order-\(1041 + keys)"
  }

  private func setTheScene() {
    narrator.title("Cadenas: a purchase, seen from four sides")
    Terminal.say()
    narrator.row([("the vault", 14), (stage.vault.url, 28)], "TLS 1.3, client certificates")
    narrator.row(
      [("the acquirer", 14), (stage.acquirer.url, 28)], "a simulator, answers by amount")
    narrator.row(
      [("the page", 14), (stage.members["page"] ?? "", 28)], "where a shopper types a card")
    narrator.row([("the disk", 14)], stage.directory)
  }

  private mutating func tokenize() throws(DevelopmentError) {
    narrator.chapter("A shopper types a card, the shop keeps a token")
    for card in DemoCard.all {
      let body = #"{"number":"\#(card.number)","exp_month":12,"exp_year":2035}"#
      let (status, view) = try ask("/v1/tokens", body)
      guard status == 201, let token = view["token"], view.list("brands") == card.brands,
        view["last4"] == String(card.number.suffix(4))
      else { throw .unexpected("\(card.printed) was answered with \(status)") }
      tokens.append(token)
      narrator.row([(card.printed, 22), (card.brands.joined(separator: "+"), 15)], token)
    }
    let first = DemoCard.all[0]
    let (status, view) = try ask(
      "/v1/tokens", #"{"number":"\#(first.number)","exp_month":12,"exp_year":2035}"#)
    try prove(
      status == 200 && view["token"] == tokens[0], "the first card again gives the same token")
  }

  private mutating func delete() throws(DevelopmentError) {
    narrator.chapter("A card is deleted")
    let path = "/v1/tokens/\(tokens[1])"
    let deleted = try shop.send(.DELETE, path)
    narrator.row([("DELETE", 10), (tokens[1], 34)], "\(deleted.status)")
    try prove(deleted.status == 204, "the record is gone")
    let again = try shop.send(.DELETE, path)
    seenByShop.append(again.body)
    try prove(again.status == 404, "asked for again, the token is not found")
  }
}
