import Actors
import Testing

/// The delays are tried as values: a cap that is not applied would show as a longer delay.
@Suite struct BackoffTests {
    @Test func doublesUpToTheCapAndStartsAgain() {
        var backoff = Backoff(first: .milliseconds(100), most: .milliseconds(350))
        #expect(backoff.next() == .milliseconds(100))
        #expect(backoff.next() == .milliseconds(200))
        #expect(backoff.next() == .milliseconds(350))
        #expect(backoff.next() == .milliseconds(350))
        backoff.reset()
        #expect(backoff.next() == .milliseconds(100))
    }
}
