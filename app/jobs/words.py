"""What askers are told of work that did not end as they wished."""

from __future__ import annotations

from app.errors import AppError, Conflict, NotFound, Unavailable


class InternalError(AppError):
    """Our own mistake; the details are in the log of the worker, never in the answer."""

    status = 500


class Gone(AppError):
    """It was given up."""

    status = 409


CANCELLED = Gone("job_cancelled", "Công việc đã bị huỷ", "The job was cancelled")
LOST = Unavailable(
    "job_worker_lost",
    "Công việc làm tiến trình xử lý dừng đột ngột 3 lần (thường do thiếu bộ nhớ hoặc máy tắt); đã thôi thử lại",
    "Three times the worker ended suddenly while doing the job (often out of memory, or switched off); given up",
)
CLOSED = Conflict(
    "job_account_closed",
    "Tài khoản yêu cầu công việc này đã bị khoá hoặc bị thu hồi vai trò trước khi công việc bắt đầu",
    "The account that asked for the job was closed or its role withdrawn before the job began",
)
_STATES_VI = {"done": "đã xong", "failed": "thất bại", "cancelled": "đã huỷ"}
"""How work may have ended."""


def internal(job_id: int) -> InternalError:
    """Return what is told of an exception nobody foresaw."""
    return InternalError(
        "job_internal_error",
        f"Lỗi nội bộ của hệ thống khi thực hiện công việc {job_id}; chi tiết nằm trong nhật ký của máy chủ",
        f"The job {job_id} met a mistake of our own; the details are in the server's log",
    )


def not_found(job_id: int) -> NotFound:
    """Return the refusal for a job that is not there, or not for the caller."""
    return NotFound("unknown_job", f"Không có công việc số {job_id}", f"There is no job {job_id}", job_id=job_id)


def ended(job_id: int, status: str) -> Conflict:
    """Return the refusal to cancel what has ended."""
    return Conflict(
        "job_ended",
        f"Công việc {job_id} đã kết thúc ({_STATES_VI[status]}), không huỷ được nữa",
        f"The job {job_id} has ended ({status}) and cannot be cancelled any more",
        job_status=status,
    )
