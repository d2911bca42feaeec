internal import Actors
internal import Synchronization

/// Tells the other nodes of a generation the newest notice, each at its own pace: one that is slow misses those between.
final class NoticeBoard: Sendable {
    private let latest = Mutex<CommitNotice?>(nil)
    private let readers: [(member: RemoteMember, bell: Doorbell)]

    init(_ members: [RemoteMember]) {
        readers = members.map { ($0, Doorbell()) }
    }

    var isEmpty: Bool { readers.isEmpty }

    func post(_ notice: CommitNotice) {
        latest.withLock { $0 = notice }
        for reader in readers { reader.bell.ring() }
    }

    /// Sends until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for reader in readers {
                group.addTask { await self.run(reader.member, reader.bell) }
            }
        }
    }

    private func run(_ member: RemoteMember, _ bell: Doorbell) async {
        var sent: CommitNotice?
        var backoff = Backoff(first: .milliseconds(10), most: .milliseconds(500))
        while !Task.isCancelled {
            guard let notice = latest.withLock({ $0 }), notice != sent else {
                await bell.wait()
                continue
            }
            do throws(CoordinationError) {
                try await member.tell(notice)
                sent = notice
                backoff.reset()
            } catch {
                // Whether the node is gone is not decided here; while it is a member it is told again.
                await bell.wait(atMost: backoff.next())
            }
        }
    }
}
