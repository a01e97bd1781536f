"""States and events of tickets in Chinese, for citizens and staff.

Leaves to others: whole conversations (the pack's prompts).
"""

from __future__ import annotations

from bot.casework.lifecycle import EventKind, Role, TicketState

STATES = {
    TicketState.RECEIVED: "已受理",
    TicketState.DISPATCHED: "已派单",
    TicketState.ACCEPTED: "已签收",
    TicketState.RETURNED: "退单待审",
    TicketState.IN_PROGRESS: "办理中",
    TicketState.RESOLVED: "已办结",
    TicketState.CALLBACK: "回访中",
    TicketState.CLOSED: "已结案",
    TicketState.REOPENED: "重新办理",
    TicketState.MERGED: "已合并",
    TicketState.SPLIT: "已拆分",
    TicketState.WITHDRAWN: "已撤销",
    TicketState.SUSPENDED: "已挂起",
}
#: What a citizen who asks is told.
NEXT_STEPS = {
    TicketState.RECEIVED: "已经登记，正在安排承办单位",
    TicketState.DISPATCHED: "已经派给承办单位，等待签收",
    TicketState.ACCEPTED: "承办单位已签收，正在处理",
    TicketState.RETURNED: "正在核实由哪个单位承办",
    TicketState.IN_PROGRESS: "承办单位正在办理",
    TicketState.RESOLVED: "承办单位已办结，稍后会向您回访",
    TicketState.CALLBACK: "承办单位已办结，正在回访",
    TicketState.CLOSED: "已经办结",
    TicketState.REOPENED: "您反映没有解决，正在安排重新办理",
    TicketState.MERGED: "已经和同一问题的工单合并办理",
    TicketState.SPLIT: "已经拆分给几个单位分别办理",
    TicketState.WITHDRAWN: "已经按您的要求撤销",
    TicketState.SUSPENDED: "因为客观原因暂时挂起，条件具备后继续办理",
}
EVENTS = {
    EventKind.RECEIVED: "受理",
    EventKind.DISPATCHED: "派单",
    EventKind.ACCEPTED: "签收",
    EventKind.PROGRESSED: "报告进展",
    EventKind.RETURNED: "申请退单",
    EventKind.RETURN_APPROVED: "同意退单，改派",
    EventKind.RETURN_REFUSED: "驳回退单",
    EventKind.RESOLVED: "办结",
    EventKind.SURVEY_TRIED: "回访",
    EventKind.SURVEYED: "回访结果",
    EventKind.CLOSED: "结案",
    EventKind.REOPENED: "重新办理",
    EventKind.MERGED: "合并",
    EventKind.SPLIT: "拆分",
    EventKind.WITHDRAWN: "撤销",
    EventKind.SUSPENDED: "挂起",
    EventKind.RESUMED: "恢复办理",
    EventKind.URGED: "催办",
    EventKind.ADDED: "补充情况",
    EventKind.NOTED: "备注",
    EventKind.CONTACTED: "联系市民",
    EventKind.EXTENSION_ASKED: "申请延期",
    EventKind.EXTENDED: "同意延期",
    EventKind.EXTENSION_REFUSED: "驳回延期",
    EventKind.DUE_SOON: "临期提醒",
    EventKind.OVERDUE: "超期",
    EventKind.ESCALATED: "升级督办",
    EventKind.WHISTLED: "吹哨",
    EventKind.CHECKED_IN: "报到",
    EventKind.ACTED: "联合行动",
    EventKind.WHISTLE_CLOSED: "销哨",
    EventKind.INCIDENT_JOINED: "并入群体诉求",
    EventKind.INCIDENT_LEFT: "移出群体诉求",
    EventKind.RECATEGORISED: "更改类别",
}
ROLES = {
    Role.BOT: "机器人",
    Role.CITIZEN: "市民",
    Role.AGENT: "坐席",
    Role.DISPATCHER: "派单员",
    Role.UNIT: "承办单位",
    Role.SUPERVISOR: "督办",
    Role.SYSTEM: "系统",
}
URGENCIES = {"urgent": "特急", "high": "紧急", "normal": "一般", "low": "普通"}
