import NIOCore
import NIOHTTP1
import Testing

@testable import AcquirerGateway

/// What decides about connections, without one.
@Suite struct ConnectionPartsTests {
  // MARK: - State

  private static func idle() -> ConnectionState {
    var state = ConnectionState()
    _ = state.receive(.handshakeCompleted(isNamed: true))
    return state
  }

  private static func busy() -> ConnectionState {
    var state = idle()
    _ = state.receive(.taken)
    return state
  }

  private static func settling() -> ConnectionState {
    var state = busy()
    _ = state.receive(.answered(mayBeKept: true, endsExactly: true))
    return state
  }

  @Test func `a connection is given on when its round of reading is over`() {
    var state = ConnectionState()
    #expect(state.receive(.readCompleted) == .nothing)
    #expect(state.receive(.handshakeCompleted(isNamed: true)) == .opened)
    #expect(state.isIdle)
    #expect(state.receive(.readCompleted) == .nothing)
    #expect(state.receive(.taken) == .nothing)
    #expect(state.isBusy && state.receive(.readCompleted) == .nothing)
    #expect(state.receive(.answered(mayBeKept: true, endsExactly: true)) == .nothing)
    #expect(!state.isIdle && !state.isBusy)
    #expect(state.receive(.readCompleted) == .keep)
    #expect(state.isIdle)
  }

  @Test(arguments: [
    (ConnectionState.Event.answered(mayBeKept: false, endsExactly: true), ConnectionEnd.asked),
    (.answered(mayBeKept: false, endsExactly: false), .asked),
    (.answered(mayBeKept: true, endsExactly: false), .surplus),
    (.closedByPeer, .message), (.ended(.shutdown), .shutdown),
  ])
  func `a message's connection is closed`(event: ConnectionState.Event, end: ConnectionEnd) {
    var state = Self.busy()
    #expect(state.receive(event) == .close(end))
    #expect(state.isClosed && state.receive(.readCompleted) == .nothing)
  }

  @Test(arguments: [
    (ConnectionState.Event.unexpectedBytes, ConnectionEnd.surplus), (.closedByPeer, .peer),
    (.answered(mayBeKept: true, endsExactly: true), .surplus), (.ended(.age), .age),
  ])
  func `what nobody asked for closes it`(event: ConnectionState.Event, end: ConnectionEnd) {
    var (idle, settling) = (Self.idle(), Self.settling())
    #expect(idle.receive(event) == .close(end))
    #expect(settling.receive(event) == .close(end))
    var taken = Self.settling()
    #expect(taken.receive(.taken) == .close(.surplus))
  }

  @Test(arguments: [
    ConnectionState.Event.handshakeCompleted(isNamed: false), .closedByPeer, .unexpectedBytes,
    .ended(.notUsed), .taken,
  ])
  func `one that does not come to stand is no connection`(event: ConnectionState.Event) {
    var state = ConnectionState()
    #expect(state.receive(event) == .openingFailed)
    #expect(state.receive(.handshakeCompleted(isNamed: true)) == .nothing)
  }

  // MARK: - Extent

  private static func extent(_ text: String, pieces: Int) -> AnswerExtent {
    var extent = AnswerExtent()
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      extent.add(ByteBuffer(bytes: rest.prefix(pieces)).readableBytesView)
      rest = rest.dropFirst(pieces)
    }
    return extent
  }

  @Test(arguments: [1, 2, 3, 5, 1_000])
  func `an answer ends where it says, however it comes`(pieces: Int) {
    let head = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"
    for (text, framing, isExact) in [
      (head + "12345", AnswerExtent.Framing.length(5), true), (head, .length(0), true),
      (head + "1234", .length(5), false), (head + "123456", .length(5), false),
      ("HTTP/1.1 100 C\r\n\r\n" + head + "12345", .length(5), false),
      (head + "1\r\nx\r\n0\r\n\r\n", .chunked, true),
      (head + "1\r\nx\r\n0\r\n\r\n\r\n", .chunked, false),
      (head + "1\r\nx\r\n0\r\n\r\nHTTP", .chunked, false),
      (head + "1\r\nx\r\n0\r\nT: r\r\n\r\n", .chunked, false),
      (head + "12345", .connection, false), ("12345", .length(5), false),
      ("A\r\r\n\r\n1", .length(1), true),
    ] {
      let extent = Self.extent(text, pieces: pieces)
      #expect(extent.endsExactly(framing) == isExact, "\(text) \(framing)")
      #expect(extent.count == text.utf8.count)
    }
  }

  // MARK: - Keep-Alive and age

  private static func keepAlive(
    _ headers: HTTPHeaders, version: HTTPVersion = .http1_1
  ) -> KeepAlive {
    KeepAlive(HTTPResponseHead(version: version, status: .ok, headers: headers))
  }

  @Test func `the head of an answer says what may follow`() {
    #expect(Self.keepAlive(["Content-Length": "5"]).isKept)
    #expect(Self.keepAlive(["Transfer-Encoding": "Chunked"]).framing == .chunked)
    #expect(Self.keepAlive(["Content-Length": "5"]).framing == .length(5))
    #expect(!Self.keepAlive([:]).isKept)
    #expect(!Self.keepAlive(["Content-Length": "5"], version: .http1_0).isKept)
    #expect(!Self.keepAlive(["Content-Length": "5", "Connection": "a, Close"]).isKept)
    let both: HTTPHeaders = ["Content-Length": "5", "Transfer-Encoding": "chunked"]
    #expect(!Self.keepAlive(both).isKept)
    #expect(!Self.keepAlive(["Transfer-Encoding": "gzip, chunked"]).isKept)
    let hint = Self.keepAlive(["Keep-Alive": "timeout=5, max=100, x", "Content-Length": "1"])
    #expect(hint.timeoutSeconds == 5 && hint.messagesLeft == 100)
    let twice = Self.keepAlive(["Keep-Alive": "Timeout=5, timeout=3, max=-1, max=9999999"])
    #expect(twice.timeoutSeconds == 3 && twice.messagesLeft == nil)
  }

  @Test func `a connection is used for as long as both sides allow`() {
    let second: Int64 = 1_000_000_000
    let bounds = ConnectionAge.Bounds(age: 100 * second, idle: 30 * second)
    var age = ConnectionAge(openedAt: 0)
    #expect(age.end(at: 29 * second, bounds, isSpare: true) == nil)
    #expect(age.end(at: 30 * second, bounds, isSpare: true) == .idle)
    #expect(age.end(at: 99 * second, bounds, isSpare: false) == nil)
    #expect(age.end(at: 100 * second, bounds, isSpare: false) == .age)
    #expect(age.wasInVain(at: 9 * second) && !age.wasInVain(at: 10 * second))
    age.answered(
      Self.keepAlive(["Keep-Alive": "timeout=5, max=2", "Content-Length": "1"]), at: 50 * second)
    #expect(age.end(at: 53 * second, bounds, isSpare: false) == nil)
    #expect(age.end(at: 54 * second, bounds, isSpare: false) == .idle)
    #expect(!age.wasInVain(at: 51 * second))
    age.answered(Self.keepAlive(["Content-Length": "1"]), at: 60 * second)
    #expect(age.end(at: 80 * second, bounds, isSpare: true) == nil)
    age.answered(Self.keepAlive(["Content-Length": "1"]), at: 60 * second)
    #expect(age.end(at: 60 * second, bounds, isSpare: false) == .messages)
  }

  // MARK: - Pace and parts

  @Test func `who fails waits longer each time, to a minute and a half at most`() {
    var pace = WarmPace()
    var waits: [Int64] = []
    for _ in 0..<9 { waits.append(pace.failed(dice: 0.5)) }
    #expect(waits == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
    #expect(pace.failed(dice: 1) == 90_000 && pace.failed(dice: 0) == 30_000)
    pace.succeeded()
    #expect(pace.failed(dice: 0) == 500 && pace.failed(dice: 1) == 3_000)
  }

  @Test func `loops share what is kept`() {
    let three = (0..<3).map { AcquirerPool.part($0, of: 7, among: 3) }
    let two = (0..<2).map { AcquirerPool.part($0, of: 1, among: 2) }
    #expect(three == [3, 2, 2] && two == [1, 0])
  }
}
